"""What it takes to age: how long things are kept, and how a table is walked through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sqlalchemy import Connection

DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """Days for which what is over is kept; 0: for ever.

    Attributes:
        events: the log, messages, runs, outages, windows of budgets.
        tasks: tasks with all that belongs to them and what they cost, sync points, loose effects.
        forgotten: the bare rows of forgotten memories; they hold no words, and every index
            that is looked after once in so many days learns from them.
    """

    events: float = 0.0
    tasks: float = 0.0
    forgotten: float = 30.0


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a table.

    Attributes:
        keys: the rows of it that may go.
        after: where the next page begins; None: there is none.
    """

    keys: Sequence[Any]
    after: Any


class Aged(Protocol):
    """One kind of thing that ages."""

    @property
    def name(self) -> str:
        """What it is called in reports."""
        ...

    @property
    def by(self) -> str:
        """The field of ``Ages`` that says how long it is kept."""
        ...

    def page(self, c: Connection, before: float, after: Any) -> Page:
        """What may go of the rows that follow ``after`` (None: of the first ones).

        Args:
            c: the connection, inside a transaction.
            before: what was over before this time is old.
            after: where the last page ended.
        """
        ...

    def remove(self, c: Connection, keys: Sequence[Any]) -> None:
        """Remove these rows, and what belongs to them."""
        ...
