"""Writing rows of memory, inside transactions of the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from neveridle.board.memories.pages import paged
from neveridle.board.memory_row import NewMemory, Signals
from neveridle.board.schema import memories, memory_revision, memory_signals, memory_tokens


def next_revision(c: Connection, count: int = 1) -> int:
    """Reserve revisions for ``count`` changes; the first of them.

    Who has one holds the counter until its transaction ends, so revisions are committed in
    their order: who follows them never misses one.
    """
    raised = update(memory_revision).values(revision=memory_revision.c.revision + count)
    last = c.execute(raised.returning(memory_revision.c.revision)).scalar_one()
    return int(last) - count + 1


def insert_memories(c: Connection, new: Sequence[NewMemory]) -> list[int]:
    """Store memories with what is known of their signals; their ids, in order.

    Raises:
        StateConflict: the database's own rules refuse them; the transaction is undone.
    """
    if not new:
        return []
    if c.dialect.name == "sqlite":
        from neveridle.board.sqlite.memories import add_within
    else:
        from neveridle.board.postgres.memories import add_within
    return add_within(c, new)


def replace_signals(c: Connection, signals: Mapping[int, Signals]) -> None:
    """Store signals in place of what there was, for memories that are there."""
    first = next_revision(c, len(signals))  # the counter first: nobody else changes them now
    known: list[int] = []
    for page in paged(sorted(signals)):
        stay = memories.c.id.in_(page) & (memories.c.state != "forgotten")
        found = sorted(c.scalars(select(memories.c.id).where(stay)))
        for table in (memory_signals, memory_tokens):
            c.execute(delete(table).where(table.c.memory_id.in_(found)))
        known += found
    if not known:
        return
    held = [(memory, signals[memory]) for memory in known]
    c.execute(
        insert(memory_signals),
        [
            {"memory_id": memory, "model": one.model, "terms": one.terms, "dense": one.dense}
            for memory, one in held
        ],
    )
    tokens = [{"memory_id": m, "tokens": one.tokens} for m, one in held if one.tokens is not None]
    if tokens:
        c.execute(insert(memory_tokens), tokens)
    c.execute(
        update(memories)
        .where(memories.c.id == bindparam("the_id"))
        .values(revision=bindparam("new_revision")),
        [{"the_id": m, "new_revision": r} for r, m in enumerate(known, start=first)],
    )
