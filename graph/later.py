"""What could not be written to a service is written once it can be used again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from neveridle.board import Board
from neveridle.tools.effects import Verbs

log = logging.getLogger(__name__)

SOURCE: Final = "later"
HOLD: Final = 600.0
"""Seconds for which one process may be at it before another may begin."""
EVERY: Final = 20.0
"""Seconds by the board's clock between two looks."""
AGAIN: Final = 30.0
"""Real seconds until the next look where the board could not be asked."""


class Later:
    """Performs deferred effects, one process at a time. While there are none, it only reads.

    Args:
        board: the board.
        verbs: how.
        holder: who does it, as a name on the board.

    Attributes:
        looks: what asks for further effects, or does something with those that are done;
            called before each look, and after one that settled something.
    """

    def __init__(self, board: Board, verbs: Verbs, *, holder: str) -> None:
        self._board = board
        self._verbs = verbs
        self._holder = holder
        self._task: asyncio.Task[None] | None = None
        self.looks: list[Callable[[], Awaitable[None]]] = []

    async def look(self) -> int:
        """Do what can be done now; how many effects were settled."""
        for look in self.looks:
            await look()
        settled = await self._perform()
        if settled:
            for look in self.looks:
                await look()
        return settled

    async def _perform(self) -> int:
        board = self._board
        if not await board.deferred.waiting(1):
            return 0
        if not await board.syncs.hold(SOURCE, self._holder, seconds=HOLD):
            return 0
        try:
            return await board.deferred.perform(self._verbs)
        finally:
            await board.syncs.release(SOURCE, self._holder)

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._keep(), name="neveridle-later")

    async def _keep(self) -> None:
        while True:
            try:
                await self.look()
                await self._board.clock.sleep(EVERY)
            except Exception as error:  # noqa: BLE001 - the next look may reach the board again
                log.warning("what was put off could not be done: %s", error)
                await asyncio.sleep(AGAIN)

    async def stop(self) -> None:
        """Stop looking; what was begun is found out at a later look."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
