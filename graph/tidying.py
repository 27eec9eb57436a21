"""Tidying: what is over goes, once it is old enough; once an hour, and by hand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from neveridle.board import Board
from neveridle.board.aging import Ages
from neveridle.board.upkeep import upkeep_for
from neveridle.errors import StateConflict
from neveridle.graph.janitor import Janitor
from neveridle.settings import RetentionSettings

EVERY = 3600.0
"""Seconds by the board's clock between two looks."""
AGAIN = 60.0
"""Real seconds until the next look where one failed."""

log = logging.getLogger(__name__)


class Tidying:
    """Looks whether something has aged, and if so removes it. While nothing has, it writes nothing.

    Args:
        board: the board.
        janitor: who knows clones, threads and branches.
        settings: how long each kind is kept.
        holder: who tidies, as a name on the board.
        memories: how many an agent may have; the least valuable beyond go. 0: any number.
    """

    def __init__(
        self,
        board: Board,
        janitor: Janitor,
        settings: RetentionSettings,
        *,
        holder: str,
        memories: int = 0,
    ) -> None:
        self._board = board
        self._janitor = janitor
        self._settings = settings
        self._holder = holder
        self._memories = memories
        self._task: asyncio.Task[None] | None = None

    @property
    def _ages(self) -> Ages:
        return Ages(events=self._settings.events, tasks=self._settings.tasks)

    async def count(self) -> dict[str, int]:
        """How many of each kind may go now; nothing is written."""
        left = await self._janitor.aged(self._settings.checkpoints)
        ours = {"checkpoints": len(left.attempts), "branches": len(left.branches)}
        return {**await self._board.retention.count(self._ages), **ours}

    async def tidy(self) -> dict[str, int]:
        """Remove what may go; how many of each kind went.

        Raises:
            StateConflict: another process is at it.
        """
        left = await self._janitor.aged(self._settings.checkpoints)
        await self._janitor.remove(left)
        # What tasks left on this machine goes before the tasks do: by them it is known.
        await self._janitor.sweep()
        gone = {"checkpoints": len(left.attempts), "branches": len(left.branches)}
        if await self._board.retention.due(self._ages):
            gone |= await self._board.retention.tidy(self._ages, holder=self._holder)
            await upkeep_for(self._board.url).reclaim()
        if self._memories:
            gone["memories"] = len(await self._board.memories.evict_over(self._memories))
        went = {kind: count for kind, count in gone.items() if count}
        if went:
            await self._board.events.append("board.tidied", went)
        return went

    def start(self, *, tell: Callable[[Exception, str], Awaitable[None]]) -> None:
        """Begin to look, now and then once an hour.

        Args:
            tell: whom to tell what went wrong, and where.
        """
        self._task = asyncio.create_task(self._keep(tell), name="neveridle-tidying")

    async def _keep(self, tell: Callable[[Exception, str], Awaitable[None]]) -> None:
        while True:
            try:
                await self._look(tell)
                await self._board.clock.sleep(EVERY)
            except Exception as error:  # noqa: BLE001 - the next look may reach the board again
                log.warning("tidying failed: %s", error)
                await asyncio.sleep(AGAIN)

    async def _look(self, tell: Callable[[Exception, str], Awaitable[None]]) -> None:
        try:
            await self.tidy()
        except StateConflict:  # another process of the team is at it
            return
        except Exception as error:  # noqa: BLE001 - the team works on; it is told of
            await tell(error, "tidying")

    async def stop(self) -> None:
        """Stop looking; what was begun is finished or undone."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
