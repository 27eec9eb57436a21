"""The rows of memory: they are the truth, whatever index is built over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select

from neveridle.board.attempt import Attempt
from neveridle.board.database import Database
from neveridle.board.memories.consolidations import Consolidations
from neveridle.board.memories.edits import Edit, apply_edits
from neveridle.board.memories.episodes import EpisodeRows
from neveridle.board.memories.eviction import count_of, evict, least, over
from neveridle.board.memories.forgetting import forget
from neveridle.board.memories.reading import COLUMNS, memory_of
from neveridle.board.memories.selecting import SelectedRows
from neveridle.board.memories.uses import Uses
from neveridle.board.memories.working import Working, add_note
from neveridle.board.memories.writing import replace_signals
from neveridle.board.memory_paths import change_from, columns_from
from neveridle.board.memory_row import Change, Columns, MemoryRow, NewMemory, Signals
from neveridle.board.schema import episodes, memories, memory_signals
from neveridle.board.sql import NOW
from neveridle.board.syncs import Syncs

LIVING = {"state": "live"}
SLACK = 200
"""The share of a limit, one part in so many, that may be exceeded for a while."""
LIVE = memories.c.state == "live"


class Memories(EpisodeRows, SelectedRows):
    """``board.memories``: what is stored survives a power cut once a call has returned."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._hot = database.memories
        self._room: dict[str, int] = {}
        self.uses = Uses(database)
        self.working = Working(database)
        self.consolidations = Consolidations(database)

    async def add(self, new: Sequence[NewMemory]) -> list[int]:
        """Store memories in one transaction; their ids, in order.

        Raises:
            StateConflict: the attempt has a memory of this kind already, or the episode is
                not there; none was stored.
        """
        return await self._hot.add(new)

    async def note(self, attempt: Attempt, new: NewMemory) -> int:
        """Store what an attempt wants remembered, once; its id.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """
        return await self._database.write(lambda c: add_note(c, attempt, new))

    async def get(self, ids: Sequence[int]) -> list[MemoryRow]:
        """The memories with these ids, in this order, whatever their state; others are left out."""
        found = {row.id: row for row in await self._hot.get(ids)}
        return [found[i] for i in ids if i in found]

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
        """The number of the last change; 0: there was none.

        On SQLite it costs microseconds while nobody, in any process, has committed anything.
        """
        return (await self._hot.revision())[0]

    async def follows(self, after: int) -> bool:
        """Whether ``changes`` after this revision tell everything.

        False: memories forgotten since are gone altogether, so that nobody can tell of them;
        who followed has to begin anew at 0.
        """
        return after == 0 or after >= (await self._hot.revision())[1]

    async def changes(self, after: int, limit: int) -> list[Change]:
        """At most ``limit`` memories that changed after a revision, in the order they did.

        A memory that changed several times is given once, as it is now. None is ever
        missed by who goes on after the last revision it was given.
        """
        return [change_from(row) for row in await self._hot.changes(after, limit)]

    async def columns(self, after: int, limit: int) -> Columns:
        """The same as ``changes``, column by column: three times as quick for very many."""
        return columns_from(await self._hot.changes(after, limit))

    async def tokens(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The quantized token vectors of these memories; those without any are left out."""
        return await self._hot.tokens(ids)

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
        if signals:
            await self._database.write(lambda c: replace_signals(c, signals))

    async def forget(self, ids: Sequence[int]) -> list[int]:
        """Erase text, tags, source and vectors of memories for ever; the ids that were there.

        The bare row stays, so that every index learns of it.
        """
        return await self._database.write(lambda c: forget(c, ids)) if ids else []

    async def change(
        self, memory: int, *, expect: Mapping[str, Any] | None = None, **values: Any
    ) -> int:
        """Change one memory, see ``Edit``; its new revision.

        Raises:
            StateConflict: it is gone, forgotten, or not as expected.
        """
        (revision,) = await self.change_all([Edit(memory, values, expect or {})])
        return revision

    async def change_all(self, edits: Sequence[Edit]) -> list[int]:
        """Change memories in one transaction, all or none; their new revisions, in order.

        Raises:
            StateConflict: one is gone, forgotten, or not as expected.
        """
        return await self._database.write(lambda c: apply_edits(c, edits)) if edits else []

    async def supersede(self, ids: Sequence[int], by: int) -> list[int]:
        """Let one memory stand for others, which are live; their new revisions."""
        values = {"state": "superseded", "superseded_by": by}
        return await self.change_all([Edit(one, values, LIVING) for one in ids])

    async def retire(self, ids: Sequence[int]) -> list[int]:
        """Let live memories be recalled no more; their new revisions."""
        return await self.change_all([Edit(one, {"state": "retired"}, LIVING) for one in ids])

    async def restore(self, ids: Sequence[int]) -> list[int]:
        """Let memories live that were superseded or retired; their new revisions."""
        values = {"state": "live", "superseded_by": None}
        return await self.change_all([Edit(one, values) for one in ids])

    async def evictable(self, agent: str, count: int) -> list[int]:
        """The least valuable memories of an agent, least first. Changes nothing."""
        return await self._database.read(lambda c: least(c, agent, count))

    async def evict(self, agent: str, limit: int) -> list[int]:
        """Forget the least valuable of what an agent has beyond ``limit``; their ids.

        Never more than that; in transactions of some hundred memories each.
        """
        gone: list[int] = []
        while await self._database.read(lambda c: count_of(c, agent)) > limit:
            some = await self._database.write(lambda c: evict(c, agent, limit))
            if not some:  # somebody else did
                break
            gone += some
        return gone

    async def evict_over(self, limit: int) -> list[int]:
        """The same for each agent that has too many."""
        agents = await self._database.read(lambda c: over(c, limit))
        return [memory for agent in agents for memory in await self.evict(agent, limit)]

    async def keep_within(self, agent: str, limit: int, *, added: int = 1) -> list[int]:
        """What ``evict`` does, for who adds again and again; to be called after each time.

        Counting takes milliseconds and choosing what goes more, so it is done once for a few
        hundred memories: an agent may have up to 0.5 % too many for a while.
        """
        left = self._room.get(agent, 0) - added
        if left >= 0:
            self._room[agent] = left
            return []
        gone = await self.evict(agent, limit)
        room = limit - await self._database.read(lambda c: count_of(c, agent))
        # Others may add, too: not all the room there is is believed in.
        self._room[agent] = max(limit // SLACK, room // 2)
        return gone

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
