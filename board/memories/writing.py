"""Writing rows of memory, inside transactions of the caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, update

from neveridle.board.memory_row import NewMemory, Signals
from neveridle.board.schema import memories, memory_revision, memory_signals, memory_tokens
from neveridle.board.sql import NOW


def next_revision(c: Connection, count: int = 1) -> int:
    """Reserve revisions for ``count`` changes; the first of them.

    Who has one holds the counter until its transaction ends, so revisions are committed in
    their order: who follows them never misses one.
    """
    raised = update(memory_revision).values(revision=memory_revision.c.revision + count)
    last = c.execute(raised.returning(memory_revision.c.revision)).scalar_one()
    return int(last) - count + 1


def insert_memories(c: Connection, new: Sequence[NewMemory]) -> list[int]:
    """Store memories with what is known of their signals; their ids, in order."""
    if not new:
        return []
    revision = next_revision(c, len(new))
    ids: list[int] = []
    for number, one in enumerate(new, start=revision):
        key = c.execute(insert(memories).values(**_columns(one, number))).inserted_primary_key
        assert key is not None
        ids.append(int(key[0]))
        if one.signals is not None:
            insert_signals(c, ids[-1], one.signals)
    return ids


def insert_signals(c: Connection, memory: int, signals: Signals) -> None:
    """Store what recall computes with, for a memory that has nothing of it yet."""
    c.execute(
        insert(memory_signals).values(
            memory_id=memory, model=signals.model, terms=signals.terms, dense=signals.dense
        )
    )
    if signals.tokens is not None:
        c.execute(insert(memory_tokens).values(memory_id=memory, tokens=signals.tokens))


def _columns(one: NewMemory, revision: int) -> dict[str, Any]:
    return {
        "revision": revision, "agent": one.agent, "kind": one.kind, "text": one.text,
        "tags": list(one.tags), "source": one.source, "importance": one.importance,
        "at": NOW if one.at is None else one.at, "stored_at": NOW, "trusted": one.trusted,
        "visibility": one.visibility, "origin": one.origin, "episode_id": one.episode,
        "position": one.position, "author": one.author, "task_id": one.task,
        "fence_number": one.fence, "digest": one.digest,
    }  # fmt: skip
