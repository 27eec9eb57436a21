"""What services were called is told to the log now and then, and when the team closes."""

from __future__ import annotations

import asyncio
import logging

from neveridle.board import Board
from neveridle.tools.resilience.tally import Tallies

EVERY = 600.0
"""Seconds by the board's clock between two events of one service."""
AGAIN = 60.0
"""Real seconds until the next look where the board could not be told."""

log = logging.getLogger(__name__)


class Counting:
    """Appends one ``service.calls`` for each service that was called. Else it writes nothing.

    Models are not among them: each of their answers is an event of its own.

    Args:
        board: whose log.
        tallies: what was counted.
    """

    def __init__(self, board: Board, tallies: Tallies) -> None:
        self._board = board
        self._tallies = tallies
        self._task: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None

    async def flush(self) -> None:
        """Tell the log now.

        Raises:
            BoardUnusable: it cannot be told; what was counted is kept.
        """
        for service, tally in self._tallies.called.items():
            taken = tally.take()
            data = {"service": service, "calls": taken.calls, "retries": taken.retries}
            try:
                await self._board.events.append("service.calls", data)
            except Exception:  # counted again, then raised on
                tally.give_back(taken)
                raise

    def start(self) -> None:
        """Begin to look, the first time after ten minutes."""
        self._task = asyncio.create_task(self._keep(), name="neveridle-counting")

    async def _keep(self) -> None:
        while True:
            try:
                await self._board.clock.sleep(EVERY)
                # To its end, also when this is stopped: what was told is not told again.
                self._telling = asyncio.create_task(self.flush(), name="neveridle-telling")
                await asyncio.shield(self._telling)
            except Exception as error:  # noqa: BLE001 - the next look may reach the board again
                log.warning("calls of services could not be logged: %s", error)
                await asyncio.sleep(AGAIN)

    async def stop(self) -> None:
        """Tell the log what is left, and stop looking."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if self._telling is not None:
                await asyncio.gather(self._telling, return_exceptions=True)
            try:
                await self.flush()
            except Exception as error:  # noqa: BLE001 - closing goes on; counts are not worth an error
                log.warning("calls of services could not be logged: %s", error)
