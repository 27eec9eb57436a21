"""What goes wrong with an HTTP request, by plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeAlias, get_args

HttpFaultKind: TypeAlias = Literal[
    "status", "timeout", "slow_body", "cut", "malformed", "truncated", "redirect", "hold"
]
HTTP_FAULTS: tuple[str, ...] = get_args(HttpFaultKind)


@dataclass(frozen=True, slots=True)
class HttpFault:
    """What goes wrong with the next requests it fits.

    Args:
        kind: ``status``: ``status`` is answered, with ``headers`` and ``said``. ``timeout``:
            the answer comes ``seconds`` late. ``slow_body``: the body comes byte by byte,
            ``seconds`` apart. ``cut``: the connection is closed without an answer.
            ``malformed``: a 200 whose JSON is broken. ``truncated``: the connection is closed
            in the middle of the body, which its Content-Length said to be longer. ``redirect``: a
            redirection to ``location``. ``hold``: the answer waits until ``let_go``.
        on: which requests it fits: a pattern (``*``, ``?``) for what the stand-in calls the
            request, by default ``METHOD /path``, such as ``POST */pulls``.
        done: whether the work is done before it goes wrong; None: as is usual for the kind,
            which is no for ``status``, ``cut`` and ``redirect``, yes for the others.
        status: the status of ``status`` and ``redirect``; 0: 500, or 302.
        headers: headers of the answer; those of ``status`` and ``redirect`` only.
        said: the JSON of ``status``; None: a message with the status.
        seconds: see ``kind``.
        location: where ``redirect`` leads.
        times: how many requests it spoils.
    """

    kind: HttpFaultKind
    on: str = "*"
    done: bool | None = None
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    said: Any = None
    seconds: float = 0.0
    location: str = ""
    times: int = 1

    def __post_init__(self) -> None:
        if self.kind not in HTTP_FAULTS:
            msg = f"{self.kind!r} is no fault; there are {', '.join(HTTP_FAULTS)}"
            raise ValueError(msg)

    @property
    def works(self) -> bool:
        """Whether the work is done."""
        return self.kind not in ("status", "cut", "redirect") if self.done is None else self.done

    def fits(self, name: str) -> bool:
        """Whether it goes wrong with a request of this name."""
        return fnmatchcase(name, self.on)
