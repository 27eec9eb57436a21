"""What the breakers need of a database beyond ordinary transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from neveridle.board.breaker import Breaker, BreakerState

REJECTED_KEPT = 32
"""Fingerprints of rejected credentials that are kept for each service."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All breakers as they stood at one moment.

    Attributes:
        number: rises with every change of any breaker. While ``BreakerStore.stamp`` is the
            same, nothing has changed since. None: it may not be kept.
        rows: by the service's name; one that was never used has none.
        now: the board's time then.
        at: ``elapsed()`` then, or a little earlier.
        scripted: whether the board's time was scripted.
    """

    number: int | None
    rows: Mapping[str, Breaker]
    now: float
    at: float
    scripted: bool


class BreakerStore(Protocol):
    """The part of a database in which breakers are kept."""

    def stamp(self) -> int | None:
        """The number of the newest change, also of one that is not committed yet.

        None: only the database can say. Costs nothing: it is asked before every request.
        """
        ...

    async def read(self) -> Snapshot:
        """How all breakers stand; a change committed before this is called is seen."""
        ...

    async def count(self, service: str, threshold: int) -> bool:
        """Count a failure, where that does not open the breaker; whether that was so.

        It may be forgotten in a power cut.
        """
        ...

    async def clear(self, service: str) -> None:
        """Set the failures of a closed breaker to 0; may be forgotten in a power cut."""
        ...

    async def waiting(self) -> dict[str, int]:
        """By service, how many tasks that are pending or waiting need it."""
        ...

    def next(self, number: int) -> int:
        """The number of a change, told to all processes; called within its transaction.

        Args:
            number: the highest one on the board.
        """
        ...


def breakers_of(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Breaker], int]:
    """Breakers by service, and the highest number among them, from rows of ``services``."""
    found: dict[str, Breaker] = {}
    number = 0
    for row in rows:
        if row["name"] is not None:  # the left side of a join alone: there are no rows
            found[row["name"]] = breaker_of(row)
            number = max(number, int(row["version"]))
    return found, number


def breaker_of(row: Mapping[str, Any]) -> Breaker:
    """A breaker from its row."""
    return Breaker(
        service=row["name"], state=BreakerState(row["state"]), failures=int(row["failures"]),
        opened_at=row["opened_at"], retry_at=row["retry_at"], probe_until=row["probe_until"],
        reason=row["reason"], rejected=tuple(row["credentials"].split()),
    )  # fmt: skip
