"""Undoing what was done to memories: exactly, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select, update

from neveridle.board.memories.reading import BARE, memory_of
from neveridle.board.memories.writing import next_revision
from neveridle.board.memory_row import MemoryRow
from neveridle.board.rows import decoded
from neveridle.board.schema import consolidation_steps, consolidations, memories
from neveridle.board.sql import NOW
from neveridle.errors import NotFound, StateConflict

_NAMED = 5
"""Changes that a refusal names."""


def undo(c: Connection, consolidation: int | None) -> int:
    """Restore what a consolidation changed, inside a transaction; its number.

    What a memory gained since in strength, because it was learnt again, it keeps.

    Args:
        c: the connection.
        consolidation: its number; None: the newest that is not undone.

    Raises:
        NotFound: there is none.
        StateConflict: see ``Consolidations.undo``.
    """
    revision = next_revision(c)  # from here on nobody else changes a memory
    number = _open(c, consolidation)
    steps = {
        int(memory): (decoded(before), decoded(after))
        for memory, before, after in c.execute(
            select(
                consolidation_steps.c.memory_id,
                consolidation_steps.c.before,
                consolidation_steps.c.after,
            ).where(consolidation_steps.c.consolidation_id == number)
        )
    }
    later = c.execute(
        select(consolidations.c.id)
        .join(consolidation_steps, consolidation_steps.c.consolidation_id == consolidations.c.id)
        .where(consolidations.c.id > number, consolidations.c.undone_at.is_(None),
               consolidation_steps.c.memory_id.in_(list(steps)))
        .order_by(consolidations.c.id.desc())
        .limit(1)
    ).scalar()  # fmt: skip
    if later is not None:
        msg = f"Consolidation {later} changed the same memories after {number}."
        raise StateConflict(msg, remedy=f"First run `neveridle memory undo {later}`.")
    query = select(*BARE).where(memories.c.id.in_(list(steps)))
    rows = {int(row["id"]): memory_of(row) for row in c.execute(query).mappings()}
    changed = [
        said for memory, (_, after) in sorted(steps.items())
        for said in _changes(memory, rows.get(memory), after)
    ]  # fmt: skip
    if changed:
        more = f", and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        msg = f"Memories have changed since consolidation {number}: "
        raise StateConflict(
            msg + ", ".join(changed[:_NAMED]) + more + ".",
            remedy="Nothing was undone; `neveridle memory search` finds what stands there now.",
        )
    revision = next_revision(c, max(1, len(steps)))
    for one, (memory, (before, after)) in enumerate(sorted(steps.items()), start=revision):
        values = dict(before)
        if "strength" in values:
            values["strength"] += rows[memory].strength - after["strength"]
        c.execute(update(memories).where(memories.c.id == memory).values(**values, revision=one))
    c.execute(update(consolidations).where(consolidations.c.id == number).values(undone_at=NOW))
    return number


def _open(c: Connection, consolidation: int | None) -> int:
    steps = select(consolidation_steps.c.consolidation_id)
    if consolidation is None:
        newest = (
            select(consolidations.c.id)
            .where(consolidations.c.undone_at.is_(None), consolidations.c.id.in_(steps))
            .order_by(consolidations.c.id.desc())
            .limit(1)
        )
        found = c.execute(newest).scalar()
        if found is None:
            msg = "There is no consolidation to undo."
            raise NotFound(
                msg, remedy="`neveridle memory consolidate --dry-run` shows what one does."
            )
        return int(found)
    query = select(consolidations.c.undone_at).where(consolidations.c.id == consolidation)
    row = c.execute(query).first()
    if row is None:
        msg = f"There is no consolidation {consolidation}."
        raise NotFound(msg, remedy="`neveridle memory report` lists them.")
    if row[0] is not None:
        msg = f"Consolidation {consolidation} is undone already."
        raise StateConflict(msg)
    return consolidation


def _changes(memory: int, row: MemoryRow | None, after: Mapping[str, Any]) -> list[str]:
    if row is None or row.state == "forgotten":
        return [f"memory {memory} was forgotten"]
    said: list[str] = []
    for name, value in after.items():
        if name == "strength":
            continue
        now = getattr(row, name)
        if (list(now) if name == "tags" else now) != value:
            said.append(f"{name} of memory {memory}")
    if "state" not in after and row.state != "live":
        said.append(f"memory {memory} is {row.state}")
    return said
