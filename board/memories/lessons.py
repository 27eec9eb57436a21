"""The lesson of an attempt, stored in the transaction of its end; what is known is reinforced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select, update

from neveridle.board.attempt import Attempt
from neveridle.board.attempt_rows import log_attempt
from neveridle.board.memories.reading import BARE, memory_of
from neveridle.board.memories.writing import insert_memories, next_revision
from neveridle.board.memory_row import MemoryRow, NewMemory
from neveridle.board.schema import memories

OWN_WORDS = ("person", "agent")
"""Whose words may become trusted: what tools and trackers said never does."""
_LINKS = 100
"""Memories that stood for one another in turn, followed at most."""


def insert_lesson(c: Connection, attempt: Attempt, learning: Mapping[str, Any]) -> None:
    """Store the lesson of an attempt; a second one changes nothing.

    Args:
        c: the connection, in the transaction that ends the attempt.
        attempt: the attempt.
        learning: the fields of ``NewMemory`` but its task and time. With ``reinforces``, the
            id of a memory that says the same, that one stands for the lesson from now on and
            gains strength; with ``bears_out`` it becomes trusted, too, where it was learnt
            in another task or by another agent.
    """
    said: dict[str, Any] = dict(learning)
    known = said.pop("reinforces", None)
    bears_out = bool(said.pop("bears_out", False))
    said["tags"] = tuple(said.get("tags", ()))
    new = NewMemory(**said, task=attempt.task_id, fence=attempt.fence)
    same = (
        (memories.c.task_id == attempt.task_id)
        & (memories.c.fence_number == attempt.fence)
        & (memories.c.kind == new.kind)
    )
    if c.execute(select(memories.c.id).where(same)).first() is not None:
        return
    (memory,) = insert_memories(c, [new])
    if known is not None:
        _reinforce(c, attempt, memory, new, int(known), bears_out=bears_out)


def stands_for(c: Connection, memory: int) -> MemoryRow | None:
    """The live memory that stands for this one, it itself where it is live; None: none does."""
    following: int | None = memory
    for _ in range(_LINKS):
        row = c.execute(select(*BARE).where(memories.c.id == following)).mappings().first()
        if row is None or row["state"] == "live":
            return None if row is None else memory_of(row)
        following = row["superseded_by"] if row["state"] == "superseded" else None
        if following is None:
            return None
    return None


def _reinforce(
    c: Connection, attempt: Attempt, memory: int, new: NewMemory, known: int, *, bears_out: bool
) -> None:
    old = stands_for(c, known)  # it may have been merged, retired or forgotten meanwhile
    if old is None or old.kind != new.kind or old.visibility != new.visibility:
        return
    if old.visibility == "private" and old.agent != new.agent:
        return
    independent = old.task != attempt.task_id or old.agent != new.agent
    own_words = old.origin in OWN_WORDS and new.origin in OWN_WORDS
    trusted = old.trusted or (bears_out and independent and own_words)
    revision = next_revision(c, 2)
    c.execute(
        update(memories)
        .where(memories.c.id == memory)
        .values(state="superseded", superseded_by=old.id, revision=revision)
    )
    c.execute(
        update(memories)
        .where(memories.c.id == old.id)
        .values(strength=memories.c.strength + 1, trusted=trusted, revision=revision + 1)
    )
    data = {"memory": old.id, "by": memory, "trusted": trusted}
    log_attempt(c, "memory.reinforced", attempt, data)
