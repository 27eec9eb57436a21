"""Changes of memories that are there: what they count for, and who stands for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from neveridle.board.memories.pages import paged
from neveridle.board.memories.writing import next_revision
from neveridle.board.memory_row import MemoryRow
from neveridle.board.schema import memories
from neveridle.board.storable import storable
from neveridle.errors import StateConflict

CHANGEABLE = (
    "state", "superseded_by", "strength", "trusted", "importance", "tags", "visibility",
)  # fmt: skip
"""What may change; the words themselves never do."""
STATES = ("live", "superseded", "retired")


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one memory.

    Attributes:
        memory: its id.
        values: what becomes of its fields, see ``CHANGEABLE``.
        expect: what these fields must be before; else all edits are refused.
    """

    memory: int
    values: Mapping[str, Any]
    expect: Mapping[str, Any] = field(default_factory=dict[str, Any])


def before(row: MemoryRow, names: Sequence[str] = CHANGEABLE) -> dict[str, Any]:
    """Fields of a memory as ``Edit.values`` and ``expect`` name them, fit for JSON."""
    return {name: _plain(getattr(row, name)) for name in names}


def apply_edits(c: Connection, edits: Sequence[Edit]) -> list[int]:
    """Change memories inside the caller's transaction; their new revisions, in order.

    Edits of one memory follow one another. All happen, or none.

    Raises:
        StateConflict: a memory is gone or forgotten, is not as expected, or what shall stand
            for it is.
        ValueError: what shall change is none of ``CHANGEABLE``, or no such state.
    """
    for edit in edits:
        _check(edit)
    if not edits:
        return []
    # The counter first: whoever else changes memories has ended, or waits.
    first = next_revision(c, len(edits))
    named = {edit.memory for edit in edits}
    stand = {int(e.values["superseded_by"]) for e in edits if e.values.get("superseded_by")}
    held = _held(c, named | stand)
    revised: dict[int, int] = {}
    for revision, edit in enumerate(edits, start=first):
        row = _usable(held, edit.memory)
        for name, value in edit.expect.items():
            if row[name] != _plain(value):
                msg = f"Memory {edit.memory} has {name} {row[name]!r}, not {_plain(value)!r}."
                remedy = "Somebody has changed it meanwhile: look at it again."
                raise StateConflict(msg, remedy=remedy)
        row.update({name: _plain(value) for name, value in edit.values.items()})
        if edit.values.get("superseded_by"):
            _usable(held, int(edit.values["superseded_by"]))
        revised[edit.memory] = revision
    c.execute(
        update(memories)
        .where(memories.c.id == bindparam("the_id"))
        .values({name: bindparam(f"new_{name}") for name in (*CHANGEABLE, "revision")}),
        [
            {"the_id": memory, "new_revision": revision,
             **{f"new_{name}": held[memory][name] for name in CHANGEABLE}}
            for memory, revision in sorted(revised.items())
        ],
    )  # fmt: skip
    return list(range(first, first + len(edits)))


def _check(edit: Edit) -> None:
    unknown = {*edit.values, *edit.expect} - set(CHANGEABLE)
    if unknown:
        msg = f"{', '.join(sorted(unknown))} of a memory cannot be changed"
        raise ValueError(msg)
    if edit.values.get("state", "live") not in STATES:
        msg = f"a memory's state becomes one of {', '.join(STATES)}; `forget` is a way of its own"
        raise ValueError(msg)
    if edit.values.get("superseded_by") == edit.memory:
        msg = f"memory {edit.memory} cannot stand for itself"
        raise ValueError(msg)


def _held(c: Connection, ids: set[int]) -> dict[int, dict[str, Any]]:
    columns = [memories.c.id, *(memories.c[name] for name in CHANGEABLE)]
    return {
        int(row["id"]): dict(row)
        for page in paged(sorted(ids))
        for row in c.execute(select(*columns).where(memories.c.id.in_(page))).mappings()
    }


def _usable(held: Mapping[int, dict[str, Any]], memory: int) -> dict[str, Any]:
    row = held.get(memory)
    if row is None or row["state"] == "forgotten":
        msg = f"Memory {memory} is not there any more."
        raise StateConflict(msg, remedy="It was forgotten: leave it out.")
    return row


def _plain(value: Any) -> Any:
    return [storable(str(one)) for one in value] if isinstance(value, (tuple, list)) else value  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - tags
