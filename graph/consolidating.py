"""Consolidation while a team works: every few lessons of an agent, and every few days."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from neveridle.board import Board
from neveridle.settings import MemorySettings

if TYPE_CHECKING:
    from neveridle.memory import Embedder
    from neveridle.memory.learning.consolidation import Consolidated

HOLDS = "consolidation"
"""The name under which a process holds the consolidation of a board's memories."""
HOLD = 600.0
"""Seconds by the board's clock after which another may begin, where the holder died."""
EVERY = 3600.0
"""Seconds by the board's clock between two looks at whether it is time."""
AGAIN = 60.0
"""Real seconds until the next look where one failed."""

log = logging.getLogger(__name__)


class Consolidating:
    """Looks whether memories are to be consolidated. While it is not time, it writes nothing.

    Args:
        board: the board.
        embedder: makes the vectors that memories do not have yet.
        settings: how often.
        holder: who consolidates, as a name on the board.
    """

    def __init__(
        self, board: Board, embedder: Embedder, settings: MemorySettings, *, holder: str
    ) -> None:
        self._board = board
        self._embedder = embedder
        self._settings = settings
        self._holder = holder
        self._learnt: dict[str, None] = {}
        self._told = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def look(self, agents: Iterable[str]) -> list[Consolidated]:
        """Consolidate what is due; what was done. Nothing where another process is at it.

        Args:
            agents: whose lessons are counted.
        """
        due = self._board.memories.consolidations
        names = [
            one for one in agents if await due.count_due(one, self._settings.consolidate_after)
        ]
        weekly = await due.days_due(self._settings.consolidate_days)
        if not names and not weekly:
            return []
        syncs = self._board.syncs
        if not await syncs.hold(HOLDS, self._holder, seconds=HOLD):
            return []
        try:
            from neveridle.memory.learning.consolidation import Consolidator

            consolidator = Consolidator(self._board.memories, self._embedder)
            if weekly:
                done = [await consolidator.consolidate(cause="weekly")]
            else:
                done = [
                    await consolidator.consolidate(agent=name, cause="count", review=False)
                    for name in names
                ]
        finally:
            await syncs.release(HOLDS, self._holder)
        for one in done:
            if one.made:
                data = {
                    "consolidations": [made.id for made in one.made],
                    "merged": sum(len(merge.merged) for merge in one.merges),
                    "retired": len(one.retired),
                }
                await self._board.events.append("memory.consolidated", data)
        return done

    def learnt(self, agent: str) -> None:
        """Say that an agent has learnt something: it is looked at soon."""
        self._learnt[agent] = None
        self._told.set()

    def start(
        self, agents: Iterable[str], *, tell: Callable[[Exception, str], Awaitable[None]]
    ) -> None:
        """Begin to look, now, when something was learnt, and once an hour.

        Args:
            agents: the team's agents.
            tell: whom to tell what went wrong, and where.
        """
        self._learnt.update(dict.fromkeys(agents))
        self._task = asyncio.create_task(self._keep(tell), name="neveridle-consolidating")

    async def _keep(self, tell: Callable[[Exception, str], Awaitable[None]]) -> None:
        while True:
            try:
                await self._turn(tell)
                await self._board.clock.until(self._told, EVERY)
            except Exception as error:  # noqa: BLE001 - the next look may reach the board again
                log.warning("consolidation failed: %s", error)
                await asyncio.sleep(AGAIN)

    async def _turn(self, tell: Callable[[Exception, str], Awaitable[None]]) -> None:
        self._told.clear()
        names, self._learnt = self._learnt, {}
        try:
            await self.look(names)
        except Exception as error:  # noqa: BLE001 - the team works on; it is told of
            self._learnt = {**names, **self._learnt}
            await tell(error, "consolidation")

    async def stop(self) -> None:
        """Stop looking; what was begun is finished or undone."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
