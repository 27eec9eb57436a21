"""Bare rows of memories that were forgotten long ago."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, literal_column, select, update

from neveridle.board.aging import Page
from neveridle.board.schema import consolidation_steps, memories, memory_revision, memory_uses

ROWS = 500
"""Rows looked at, and at most removed, in one transaction."""
# Written out, as only so does SQLite see that the partial index holds all of them.
FORGOTTEN = memories.c.state == literal_column("'forgotten'")


class AgedForgotten:
    """See ``Aged``. What is superseded or retired never goes by its age."""

    name = "forgotten"
    by = "forgotten"

    def page(self, c: Connection, before: float, after: Any) -> Page:
        """See ``Aged``; ``after``: when the last row was forgotten, and its id."""
        at, last = after or (float("-inf"), 0)
        old, key = memories.c.stored_at, memories.c.id
        rows = c.execute(
            select(key, old)
            .where(FORGOTTEN, old < before, (old > at) | ((old == at) & (key > last)))
            .order_by(old, key)
            .limit(ROWS)
        ).all()
        keys = [int(row[0]) for row in rows]
        return Page(keys, None if len(rows) < ROWS else (rows[-1][1], rows[-1][0]))

    def remove(self, c: Connection, keys: Sequence[Any]) -> None:
        """See ``Aged``. Who followed to a point before their last change begins anew."""
        gone = memories.c.id.in_(keys)
        newest = select(func.max(memories.c.revision)).where(gone)
        last = c.execute(newest).scalar_one()
        behind = memory_revision.c.pruned_to < last
        c.execute(update(memory_revision).where(behind).values(pruned_to=last))
        for table in (memory_uses, consolidation_steps):
            c.execute(delete(table).where(table.c.memory_id.in_(keys)))
        c.execute(delete(memories).where(gone))
