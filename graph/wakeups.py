"""Wakeups: how resting agents learn that there is something to do."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from neveridle.board import Board
from neveridle.errors import NeveridleError

log = logging.getLogger(__name__)

POLL = 0.25
"""Real seconds between two looks at the board's version: one cheap read per process."""


class Wakeups:
    """Follows the board's version, which rises whenever something becomes runnable.

    One poller serves all agents of a process, and only runs while some of them rest.

    Args:
        board: the board.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._seen = -1
        self._waiting = 0
        self._changed = asyncio.Condition()
        self._nudged = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None

    @property
    def seen(self) -> int:
        """The version last seen; reading it costs nothing."""
        return self._seen

    def nudge(self) -> None:
        """Look at once: this process itself changed something."""
        self._nudged.set()

    async def look(self) -> int:
        """Read the board's version, and wake whoever waits for a higher one."""
        version = await self._board.version()
        if version != self._seen:
            self._seen = version
            async with self._changed:
                self._changed.notify_all()
        return version

    async def wait(self, beyond: int) -> int:
        """Wait until the version is beyond ``beyond``; the new version."""
        self._waiting += 1
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll(), name="neveridle-wakeups")
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: self._seen > beyond)
            return self._seen
        finally:
            self._waiting -= 1

    async def _poll(self) -> None:
        while self._waiting:
            self._nudged.clear()
            try:
                await self.look()
            except NeveridleError as error:
                # Those who wait must not wait for ever: the next look may reach the board.
                log.warning("the board could not be looked at: %s", error)
            # Not asyncio.wait_for: on Python 3.11 it loses a cancellation that comes together
            # with what it waits for.
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self._nudged.wait()

    async def stop(self) -> None:
        """Stop following."""
        poller, self._poller = self._poller, None
        if poller is not None:
            poller.cancel()
            await asyncio.gather(poller, return_exceptions=True)
