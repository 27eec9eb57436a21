"""The one clock: the board's time, and waits by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from neveridle.board.database import Database

T = TypeVar("T")

POLL = 0.01
"""Real seconds between two looks at a scripted clock: another process may have moved it."""


class BoardClock:
    """Time as the board tells it: the database's own, or a scripted one.

    A scripted time is stored on the board, so all processes share it; it stands still
    until somebody advances it. Times are seconds since 1970, waits are in seconds.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._scripted = False
        self._moved = asyncio.Condition()

    async def load(self) -> None:
        """Learn whether the board's time is scripted; done when the board is opened."""
        self._scripted = await self._database.read(_is_scripted)

    @property
    def scripted(self) -> bool:
        """Whether time is scripted."""
        return self._scripted

    async def now(self) -> float:
        """The board's time."""
        return await self._database.hot.now()

    async def script(self, at: float | None) -> None:
        """Set the scripted time; None goes back to the database's own."""
        from sqlalchemy import update

        from neveridle.board.schema import clock

        await self._database.write(lambda c: c.execute(update(clock).values(scripted=at)))
        self._scripted = at is not None
        async with self._moved:
            self._moved.notify_all()

    async def advance(self, seconds: float) -> float:
        """Move a scripted time forward; the new time.

        Raises:
            ValueError: the clock is not scripted, or ``seconds`` is negative.
        """
        from sqlalchemy import update

        from neveridle.board.schema import clock

        if seconds < 0 or not self._scripted:
            msg = "Only a scripted clock can be advanced, and only forward."
            raise ValueError(msg)
        move = update(clock).values(scripted=clock.c.scripted + seconds)
        await self._database.write(lambda c: c.execute(move))
        async with self._moved:
            self._moved.notify_all()
        return await self.now()

    async def sleep(self, seconds: float) -> None:
        """Wait until the board's time has advanced by ``seconds``."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        if not self._scripted:
            await asyncio.sleep(seconds)
            return
        until = await self.now() + seconds
        while await self.now() < until:
            async with self._moved:
                try:
                    await asyncio.wait_for(self._moved.wait(), POLL)
                except TimeoutError:
                    continue

    async def wait_for(self, work: Awaitable[T], seconds: float) -> T:
        """``work``'s result; it is cancelled when it takes longer than ``seconds``.

        Raises:
            TimeoutError: it took longer.
        """
        async with self.timeout(seconds):
            return await work

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[None]:
        """Cancel the block after ``seconds`` of the board's time.

        Raises:
            TimeoutError: the block took longer.
        """
        if not self._scripted:
            async with asyncio.timeout(seconds):
                yield
            return
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(None) as scope:

            async def watch() -> None:
                await self.sleep(seconds)
                scope.reschedule(loop.time())

            watcher = asyncio.create_task(watch())
            try:
                yield
            finally:
                watcher.cancel()


def _is_scripted(connection: object) -> bool:
    from sqlalchemy import Connection, select

    from neveridle.board.schema import clock

    assert isinstance(connection, Connection)
    return connection.execute(select(clock.c.scripted)).scalar() is not None
