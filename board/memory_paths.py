"""What memory needs of a database beyond ordinary transactions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Protocol

from neveridle.board.memory_row import Change, Columns, MemoryRow, NewMemory, Signals
from neveridle.board.storable import storable
from neveridle.errors import StateConflict

FIELDS = (
    "m.id, m.agent, m.kind, {text}, m.tags, m.source, m.importance, m.at, m.trusted, "
    "m.visibility, m.state, m.origin, m.strength, m.superseded_by, m.episode_id, m.position, "
    "m.author, m.task_id, m.fence_number, m.revision"
)
"""The columns of a ``MemoryRow``, in the order of its fields."""
TEXT, BARE = FIELDS.format(text="m.text"), FIELDS.format(text="''")
TAGS, TRUSTED, WIDTH = 4, 8, 20

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """A new memory as the columns of its tables, all but the revision and the board's time.

    Attributes:
        row: what ``memories`` holds, as ``COLUMNS`` names it; ``at`` may be None.
        signals: model, terms and dense; None: there are none yet.
        tokens: None: there are none.
    """

    row: tuple[Any, ...]
    signals: tuple[Any, ...] | None
    tokens: bytes | None


COLUMNS = (
    "at", "agent", "kind", "text", "tags", "source", "importance", "trusted", "visibility",
    "origin", "episode_id", "position", "author", "task_id", "fence_number", "digest",
)  # fmt: skip
"""What a new memory says of itself, in the order of ``Stored.row``."""


class MemoryPaths(Protocol):
    """The part of a database that memory asks often; each is one hop."""

    async def add(self, new: Sequence[NewMemory]) -> list[int]:
        """Store memories in one transaction that survives a power cut; their ids."""
        ...

    async def get(self, ids: Sequence[int]) -> list[MemoryRow]:
        """The memories with these ids, in no order."""
        ...

    async def tokens(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The quantized token vectors of these memories."""
        ...

    async def revision(self) -> tuple[int, int]:
        """The number of the last change, and the one up to which some are gone."""
        ...

    async def changes(self, after: int, limit: int) -> list[Row]:
        """At most so many changes after a revision: ``BARE``, then model, terms, dense."""
        ...


def stored(one: NewMemory) -> Stored:
    """A new memory as its tables hold it."""
    given = one.signals
    row = (
        one.at, storable(one.agent), storable(one.kind), storable(one.text), tags_of(one.tags),
        storable(one.source), float(one.importance), bool(one.trusted), one.visibility,
        one.origin, one.episode, one.position, storable(one.author), one.task, one.fence,
        one.digest,
    )  # fmt: skip
    if given is None:
        return Stored(row, None, None)
    return Stored(row, (given.model, given.terms, given.dense), given.tokens)


def tags_of(tags: Iterable[str]) -> str:
    """Tags as they are stored."""
    listed = [storable(tag) for tag in tags]
    return json.dumps(listed) if listed else "[]"


def memory_from(row: Row) -> MemoryRow:
    """The memory in a row of ``TEXT`` or ``BARE``; what follows them is left aside."""
    values = list(row[:WIDTH])
    values[TAGS] = tags_from(values[TAGS])
    values[TRUSTED] = bool(values[TRUSTED])
    return MemoryRow(*values)


@lru_cache(4096)
def _listed(tags: str) -> tuple[str, ...]:
    return tuple(json.loads(tags))


def tags_from(stored: Any) -> tuple[str, ...]:
    """Tags from what a database gives: JSON as text, or what it says."""
    return _listed(stored) if isinstance(stored, str) else tuple(stored or ())


def change_from(row: Row) -> Change:
    """The change in a row of ``MemoryPaths.changes``."""
    return Change(memory_from(row), Signals(row[WIDTH] or "", row[WIDTH + 1], row[WIDTH + 2]))


def columns_from(rows: Sequence[Row]) -> Columns:
    """The same changes, column by column."""
    if not rows:
        return Columns(*[()] * len(fields(Columns)))
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    columns[TAGS] = [tags_from(one) for one in columns[TAGS]]
    columns[TRUSTED] = [bool(one) for one in columns[TRUSTED]]
    columns[WIDTH] = [one or "" for one in columns[WIDTH]]
    del columns[3]  # the text, which is left out
    return Columns(*columns)


def refused(error: BaseException) -> StateConflict:
    """What to say where the database's own rules refuse new memories."""
    msg = f"These memories cannot be stored: {str(error).strip().splitlines()[0]}"
    remedy = (
        "None of them was stored. An attempt has one memory of a kind; an episode must be begun "
        "before its turns; and visibility and origin are words of the list."
    )
    return StateConflict(msg, remedy=remedy)
