"""What goes wrong at the stand-in, by plan."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, get_args

Kind: TypeAlias = Literal[
    "drop_before", "drop_after", "error_before", "error_after", "refuse", "delay", "hold"
]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with the next request it fits; each happens once.

    Args:
        kind: ``drop_before``: the connection is cut, nothing is done. ``drop_after``: it is
            done, the connection is cut without an answer. ``error_before``, ``error_after``:
            the same with an answer of ``status``. ``refuse``: nothing is done, the answer is
            ``status``. ``delay``: ``seconds`` pass, then it is done as usual. ``hold``: it is
            done, and the answer waits until the server is told to let go.
        on: which requests it fits: ``create``, ``set``, ``find``, or ``*`` for all.
        status: the status of the answer, where there is one.
        seconds: how long a delay is.
    """

    kind: Kind
    on: str = "*"
    status: int = 500
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            msg = f"{self.kind!r} is no fault; there are {', '.join(KINDS)}"
            raise ValueError(msg)

    def as_dict(self) -> dict[str, Any]:
        """As it is stored and sent."""
        return asdict(self)
