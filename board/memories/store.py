"""The rows of memory: they are the truth, whatever index is built over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from neveridle.board.attempt import Attempt
from neveridle.board.database import Database
from neveridle.board.memories.episodes import EpisodeRows
from neveridle.board.memories.reading import BARE, COLUMNS, memory_of
from neveridle.board.memories.uses import Uses
from neveridle.board.memories.working import Working, add_note
from neveridle.board.memories.selecting import SelectedRows
from neveridle.board.memories.writing import insert_memories, insert_signals, next_revision
from neveridle.board.memory_row import Change, MemoryRow, NewMemory, Signals
from neveridle.board.schema import (
    episodes,
    memories,
    memory_revision,
    memory_signals,
    memory_tokens,
)
from neveridle.board.sql import NOW
from neveridle.board.syncs import Syncs

LIVE = memories.c.state == "live"


class Memories(EpisodeRows, SelectedRows):
    """``board.memories``: what is stored survives a power cut once a call has returned."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.uses = Uses(database)
        self.working = Working(database)

    async def add(self, new: Sequence[NewMemory]) -> list[int]:
        """Store memories in one transaction; their ids, in order."""
        return await self._database.write(lambda c: insert_memories(c, new))

    async def note(self, attempt: Attempt, new: NewMemory) -> int:
        """Store what an attempt wants remembered, once; its id.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """
        return await self._database.write(lambda c: add_note(c, attempt, new))

    async def get(self, ids: Sequence[int]) -> list[MemoryRow]:
        """The memories with these ids, in this order, whatever their state; others are left out."""
        query = select(*COLUMNS).where(memories.c.id.in_(list(ids)))

        def work(c: Connection) -> list[MemoryRow]:
            found = {int(r["id"]): memory_of(r) for r in c.execute(query).mappings()}
            return [found[i] for i in ids if i in found]

        return await self._database.read(work)

    async def newest(
        self, limit: int, *, before: int | None = None, agent: str | None = None
    ) -> list[MemoryRow]:
        """At most ``limit`` live memories, newest first.

        Args:
            limit: how many at most.
            before: only ids below this one, to read on; None starts with the newest.
            agent: only this agent's; None is everybody's.
        """
        query = select(*COLUMNS).where(LIVE).order_by(memories.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(memories.c.id < before)
        if agent is not None:
            query = query.where(memories.c.agent == agent)
        return await self._database.read(
            lambda c: [memory_of(row) for row in c.execute(query).mappings()]
        )

    async def revision(self) -> int:
        """The number of the last change; 0: there was none."""
        query = select(memory_revision.c.revision)
        return await self._database.read(lambda c: int(c.execute(query).scalar_one()))

    async def changes(self, after: int, limit: int) -> list[Change]:
        """At most ``limit`` memories that changed after a revision, in the order they did.

        A memory that changed several times is given once, as it is now. None is ever
        missed by who goes on after the last revision it was given.
        """
        query = (
            select(*BARE, memory_signals.c.model, memory_signals.c.terms, memory_signals.c.dense)
            .join_from(memories, memory_signals, isouter=True)
            .where(memories.c.revision > after)
            .order_by(memories.c.revision)
            .limit(limit)
        )

        def work(c: Connection) -> list[Change]:
            return [
                Change(memory_of(r), Signals(r["model"] or "", r["terms"], r["dense"]))
                for r in c.execute(query).mappings()
            ]

        return await self._database.read(work)

    async def tokens(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The quantized token vectors of these memories; those without any are left out."""
        query = select(memory_tokens).where(memory_tokens.c.memory_id.in_(list(ids)))
        return await self._database.read(
            lambda c: {int(row[0]): bytes(row[1]) for row in c.execute(query)}
        )

    async def without_vectors(self, model: str, limit: int) -> list[MemoryRow]:
        """At most ``limit`` live memories, oldest first, without vectors of this model."""
        query = (
            select(*COLUMNS)
            .join_from(memories, memory_signals, isouter=True)
            .where(LIVE, or_(memory_signals.c.model.is_(None), memory_signals.c.model != model))
            .order_by(memories.c.id)
            .limit(limit)
        )
        return await self._database.read(
            lambda c: [memory_of(row) for row in c.execute(query).mappings()]
        )

    async def put_signals(self, signals: Mapping[int, Signals]) -> None:
        """Store what recall computes with, in place of what there was; a change of each memory.

        Memories that are forgotten meanwhile, or gone, are passed over.
        """
        ids = sorted(signals)

        def work(c: Connection) -> None:
            stay = memories.c.id.in_(ids) & (memories.c.state != "forgotten")
            known = [int(row[0]) for row in c.execute(select(memories.c.id).where(stay))]
            revision = next_revision(c, max(1, len(known)))
            for number, memory in enumerate(sorted(known), start=revision):
                for table in (memory_signals, memory_tokens):
                    c.execute(delete(table).where(table.c.memory_id == memory))
                insert_signals(c, memory, signals[memory])
                c.execute(update(memories).where(memories.c.id == memory).values(revision=number))

        await self._database.write(work)

    async def forget(self, ids: Sequence[int]) -> list[int]:
        """Erase text, tags, source and vectors of memories for ever; the ids that were there.

        The bare row stays, so that every index learns of it.
        """

        def work(c: Connection) -> list[int]:
            there = memories.c.id.in_(list(ids)) & (memories.c.state != "forgotten")
            gone = sorted(int(row[0]) for row in c.execute(select(memories.c.id).where(there)))
            if not gone:
                return []
            revision = next_revision(c, len(gone))
            for table in (memory_signals, memory_tokens):
                c.execute(delete(table).where(table.c.memory_id.in_(gone)))
            for number, memory in enumerate(gone, start=revision):
                c.execute(
                    update(memories)
                    .where(memories.c.id == memory)
                    .values(revision=number, state="forgotten", text="", tags=[], source="",
                            author="", digest="")
                )  # fmt: skip
            return gone

        return await self._database.write(work)

    async def begin_episode(
        self, *, agent: str, key: str, title: str = "", source: str = "", at: float | None = None
    ) -> int:
        """The id of an agent's episode of this key, made where there is none yet."""

        def work(c: Connection) -> int:
            same = (episodes.c.agent == agent) & (episodes.c.key == key)
            known = c.execute(select(episodes.c.id).where(same)).scalar()
            if known is not None:
                return int(known)
            made = c.execute(
                insert(episodes).values(agent=agent, key=key, title=title, source=source,
                                        at=NOW if at is None else at)
            ).inserted_primary_key  # fmt: skip
            assert made is not None
            return int(made[0])

        return await self._database.write(work)

    async def count(self) -> dict[str, int]:
        """How many memories there are, by state."""
        query = select(memories.c.state, func.count()).group_by(memories.c.state)
        return await self._database.read(
            lambda c: {str(state): int(number) for state, number in c.execute(query)}
        )

    def syncs(self) -> Syncs:
        """Where processes agree on who feeds an index of these rows."""
        return Syncs(self._database)
