"""What goes over the wire between a client and a stand-in, without its secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

SECRET_HEADERS: Final = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token"}
)
"""Headers that carry credentials: they are never kept."""


@dataclass(frozen=True, slots=True)
class StandinRequest:
    """A request as it came.

    Attributes:
        number: counted from 1.
        method: in capitals.
        path: as it was sent, percent-encoded, without the query.
        query: the values given for each name, in their order.
        headers: names in lower case; those with credentials are left out.
        data: the body's bytes.
        time: seconds since 1970, by the stand-in's ``now``.
        credentials: whether any came with it.
        authorized: whether they hold the stand-in's token.
    """

    number: int
    method: str
    path: str
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    data: bytes = b""
    time: float = 0.0
    credentials: bool = False
    authorized: bool = True

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts of the path, decoded: ``/a/b%2Fc`` is ``("a", "b/c")``."""
        return tuple(unquote(part) for part in self.path.split("/") if part)

    @property
    def json(self) -> Any:
        """The body as JSON; None: there is none.

        Raises:
            ValueError: it is no JSON.
        """
        return json.loads(self.data) if self.data else None

    def first(self, name: str, default: str = "") -> str:
        """The first value of a name in the query."""
        return self.query.get(name, (default,))[0]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a stand-in answers.

    Attributes:
        status: the HTTP status.
        json: the body, sent as JSON; None with no ``data``: no body.
        headers: further headers; they win over those the stand-in would set itself.
        data: the body's bytes, instead of ``json``.
    """

    status: int = 200
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    data: bytes | None = None

    @property
    def body(self) -> bytes:
        """The bytes that are sent."""
        if self.data is not None:
            return self.data
        return b"" if self.json is None else json.dumps(self.json).encode()


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, and what became of it.

    Attributes:
        request: as it came.
        answer: what the service itself would say; None: the fault kept the work from being
            done. A fault may have spoilt or swallowed it on its way.
        fault: the kind of fault that was planned for it; empty: none.
    """

    request: StandinRequest
    answer: Answer | None
    fault: str = ""
