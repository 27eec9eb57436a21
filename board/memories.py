"""The rows of memory: they are the truth, whatever index is built over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from neveridle.board.attempt import Attempt
from neveridle.board.database import Database
from neveridle.board.memory_row import MemoryRow
from neveridle.board.rows import decoded
from neveridle.board.schema import memories
from neveridle.board.sql import NOW


class Memories:
    """``board.memories``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_memory(
        self,
        *,
        agent: str,
        kind: str,
        text: str,
        tags: Sequence[str],
        source: str,
        importance: float,
        at: float | None,
        trusted: bool,
    ) -> int:
        """Store a memory; its id. ``at`` None: now."""

        def work(c: Connection) -> int:
            key = c.execute(
                insert(memories).values(
                    agent=agent, kind=kind, text=text, tags=list(tags), source=source,
                    importance=importance, at=NOW if at is None else at, trusted=trusted,
                )
            ).inserted_primary_key  # fmt: skip
            assert key is not None
            return int(key[0])

        return await self._database.write(work)

    async def memories(self, ids: Sequence[int]) -> list[MemoryRow]:
        """The memories with these ids, in this order; those that are gone are left out."""
        query = select(memories).where(memories.c.id.in_(list(ids)))

        def work(c: Connection) -> list[MemoryRow]:
            found = {int(r["id"]): _memory(r) for r in c.execute(query).mappings()}
            return [found[i] for i in ids if i in found]

        return await self._database.read(work)

    async def unindexed_memories(self, limit: int) -> list[MemoryRow]:
        """The oldest memories that no index holds yet."""
        query = select(memories).where(~memories.c.indexed).order_by(memories.c.id).limit(limit)
        return await self._database.read(
            lambda c: [_memory(row) for row in c.execute(query).mappings()]
        )

    async def mark_indexed(self, ids: Sequence[int]) -> None:
        """Note that the index holds these."""
        done = update(memories).where(memories.c.id.in_(list(ids))).values(indexed=True)
        await self._database.write(lambda c: c.execute(done))

    async def latest_memories(
        self, limit: int, *, before: int | None = None, agent: str | None = None
    ) -> list[MemoryRow]:
        """At most ``limit`` memories, newest first.

        Args:
            limit: how many at most.
            before: only ids below this one, to read on; None starts with the newest.
            agent: only this agent's; None is everybody's.
        """
        query = select(memories).order_by(memories.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(memories.c.id < before)
        if agent is not None:
            query = query.where(memories.c.agent == agent)
        return await self._database.read(
            lambda c: [_memory(row) for row in c.execute(query).mappings()]
        )


def _memory(row: Mapping[Any, Any]) -> MemoryRow:
    return MemoryRow(
        id=row["id"],
        agent=row["agent"],
        kind=row["kind"],
        text=row["text"],
        tags=tuple(decoded(row["tags"]) or ()),
        source=row["source"],
        importance=row["importance"],
        at=row["at"],
        trusted=bool(row["trusted"]),
    )


def insert_lesson(c: Connection, attempt: Attempt, learning: Mapping[str, Any]) -> None:
    """Store the lesson of an attempt, inside a transaction; a second one changes nothing."""
    same = (
        (memories.c.task_id == attempt.task_id)
        & (memories.c.fence_number == attempt.fence)
        & (memories.c.kind == learning["kind"])
    )
    if c.execute(select(memories.c.id).where(same)).first() is None:
        c.execute(
            insert(memories).values(
                **learning, at=NOW, task_id=attempt.task_id, fence_number=attempt.fence
            )
        )
