"""The one clock: the board's time, and waits by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from neveridle.board.database import Database
from neveridle.board.simulation import simulated_loop
from neveridle.errors import NeveridleError

if TYPE_CHECKING:
    from sqlalchemy import Connection

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
        self._moved = asyncio.Event()

    async def load(self) -> None:
        """Learn whether the board's time is scripted; done when the board is opened."""
        await self._look()

    @property
    def scripted(self) -> bool:
        """Whether time was scripted when this process last looked."""
        return self._scripted

    async def now(self) -> float:
        """The board's time."""
        return (await self._look())[0]

    async def _look(self) -> tuple[float, bool]:
        now, scripted = await self._database.hot.clock()
        # A simulated loop moves the scripted time with its own: then waiting is just waiting.
        self._scripted = scripted and simulated_loop() is None
        return now, self._scripted

    async def script(self, at: float | None) -> None:
        """Set the scripted time; None goes back to the database's own.

        Waits that have begun by the database's time end by it.
        """

        def work(c: Connection) -> None:
            from sqlalchemy import update

            from neveridle.board.schema import clock

            c.execute(update(clock).values(scripted=at))

        await self._database.write(work)
        self._scripted = at is not None
        self._tell()

    async def advance(self, seconds: float) -> float:
        """Move a scripted time forward; the new time.

        Raises:
            ValueError: the clock is not scripted, or ``seconds`` is negative.
        """

        def work(c: Connection) -> float | None:
            from sqlalchemy import update

            from neveridle.board.schema import clock

            move = (
                update(clock)
                .where(clock.c.scripted.is_not(None))
                .values(scripted=clock.c.scripted + seconds)
            )
            return c.execute(move.returning(clock.c.scripted)).scalar()

        moved = None if seconds < 0 else await self._database.write(work)
        if moved is None:
            msg = "Only a scripted clock can be advanced, and only forward."
            raise ValueError(msg)
        self._tell()
        return moved

    def _tell(self) -> None:
        """Wake this process's sleepers: each looks again, and waits for the next event."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def sleep(self, seconds: float) -> None:
        """Wait until the board's time has advanced by ``seconds``.

        A wait that begins while the time is not scripted needs nothing of the board.
        """
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        try:
            now, scripted = await self._look()
        except NeveridleError:
            if self._scripted:
                raise
            now, scripted = 0.0, False
        until = now + seconds
        while scripted:
            moved = self._moved
            # Not asyncio.wait_for: on Python 3.11 it loses a cancellation that comes together
            # with what it waits for, and the sleeper would then wait on for ever.
            with suppress(TimeoutError):  # somebody elsewhere may have moved it
                async with asyncio.timeout(POLL):
                    await moved.wait()
            now, scripted = await self._look()
            if scripted and now >= until:
                return
        await asyncio.sleep(seconds)

    async def until(self, event: asyncio.Event, seconds: float) -> None:
        """Wait until ``event`` is set, or the board's time has advanced by ``seconds``.

        Raises:
            BoardUnusable: the time is scripted, and cannot be read.
        """
        waits: list[asyncio.Task[Any]] = [
            asyncio.create_task(event.wait()),
            asyncio.create_task(self.sleep(seconds)),
        ]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            for one in waits:
                one.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def wait_for(self, work: Awaitable[T], seconds: float) -> T:
        """``work``'s result; it is cancelled when it takes longer than ``seconds``.

        Raises:
            TimeoutError: it took longer.
        """
        async with self.timeout(seconds):
            return await work

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncGenerator[None]:
        """Cancel the block after ``seconds`` of the board's time.

        Raises:
            TimeoutError: the block took longer.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(None) as scope:

            async def watch() -> None:
                await self._expiry(seconds)
                scope.reschedule(loop.time())

            watcher = asyncio.create_task(watch(), name="neveridle-timeout")
            try:
                yield
            finally:
                watcher.cancel()
                # Not awaited itself: what ends the block is not to be hidden by its end.
                await asyncio.wait([watcher])
                failed = None if watcher.cancelled() else watcher.exception()
        if failed is not None:
            raise failed

    async def _expiry(self, seconds: float) -> None:
        """The wait of a timeout, which tests may tell from other waits."""
        await self.sleep(seconds)
