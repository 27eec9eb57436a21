"""Wakeups: how resting agents learn that there is something to do."""

from __future__ import annotations

import asyncio
import logging

from neveridle.board import Board
from neveridle.errors import NeveridleError

log = logging.getLogger(__name__)

POLL = 0.25
"""Real seconds between two looks at a board that cannot tell: one cheap read per process."""


class Wakeups:
    """Follows the board's version, which rises whenever something becomes runnable.

    One follower serves all agents of a process, and only runs while some of them rest. The
    board says how it can be waited for: PostgreSQL tells, SQLite is looked at.

    Args:
        board: the board.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._changes = board.changes()
        self._seen = -1
        self._waiting = 0
        self._changed = asyncio.Condition()
        self._follower: asyncio.Task[None] | None = None

    @property
    def seen(self) -> int:
        """The version last seen; reading it costs nothing."""
        return self._seen

    def nudge(self) -> None:
        """Look at once: this process itself changed something."""
        self._changes.nudge()

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
        if self._follower is None or self._follower.done():
            self._follower = asyncio.create_task(self._follow(), name="neveridle-wakeups")
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: self._seen > beyond)
            return self._seen
        finally:
            self._waiting -= 1

    async def _follow(self) -> None:
        while self._waiting:
            try:
                await self.look()
            except NeveridleError as error:
                # Those who wait must not wait for ever: the next look may reach the board.
                log.warning("the board could not be looked at: %s", error)
                await asyncio.sleep(POLL)
                continue
            await self._changes.wait(POLL)

    async def stop(self) -> None:
        """Stop following."""
        follower, self._follower = self._follower, None
        if follower is not None:
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)
        await self._changes.close()
