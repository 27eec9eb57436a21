"""Feeding memory's dense index while a team runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from neveridle.board.clock import BoardClock
from neveridle.memory import Memory

EVERY = 60.0
"""Seconds by the board's clock between two looks. Recall does not wait for them: it unites what
is not in the index yet."""
AGAIN = 60.0
"""Real seconds until the next look where one failed."""

log = logging.getLogger(__name__)


class Feeding:
    """Puts what was remembered into the index, now and then. While nothing was, it does nothing.

    Args:
        memory: whose index.
        clock: the board's.
    """

    def __init__(self, memory: Memory, clock: BoardClock) -> None:
        self._memory = memory
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self, *, tell: Callable[[Exception, str], Awaitable[None]]) -> None:
        """Begin to look; the first time after a minute, so that a short run opens no index.

        Args:
            tell: whom to tell what went wrong, and where; the same thing once in a row.
        """
        self._task = asyncio.create_task(self._keep(tell), name="neveridle-feeding")

    async def _keep(self, tell: Callable[[Exception, str], Awaitable[None]]) -> None:
        told = ""
        while True:
            try:
                await self._clock.sleep(EVERY)
                await self._memory.index_pending()
                told = ""
            except Exception as error:  # noqa: BLE001 - the team works on; it is told of
                log.warning("feeding memory's index failed: %s", error)
                if str(error) != told:
                    told = str(error)
                    await tell(error, "memory")
                await asyncio.sleep(AGAIN)

    async def stop(self) -> None:
        """Stop looking; what was begun is put in once more by the next."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
