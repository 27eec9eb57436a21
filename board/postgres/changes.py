"""How processes tell each other that something became runnable: LISTEN and NOTIFY."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection

from neveridle.board.postgres.errors import explain
from neveridle.board.postgres.session import options

log = logging.getLogger(__name__)

FALLBACK = 5.0
"""Real seconds, give or take a fifth, after which the board is looked at without a word."""
WINDOW = 0.03
"""Real seconds for which a process gathers what it has to tell into one notification."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
"""Real seconds before the listening connection is made again: at first, and at most."""

CHANNEL = "SELECT 'neveridle_' || md5(current_schema())"
"""Notifications stay in their database; boards in several schemas of it are kept apart."""
NOTIFY = f"SELECT pg_notify(({CHANNEL}), '')".encode()

KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""A peer that is gone without a word is noticed within a minute, not within two hours."""


class Notifier:
    """Tells the other processes, once their word is committed, that something is runnable.

    Never inside a transaction: NOTIFY takes a lock of the whole server until its commit is
    done, and claims and completions would queue behind each other's flushes. So it is a
    statement of its own, afterwards, and one for all that became runnable within ``WINDOW``.
    One that is lost costs the others a slow look.

    Args:
        send: begins to run NOTIFY, and returns at once.
    """

    def __init__(self, send: Callable[[], object]) -> None:
        self._send = send
        self._timer: asyncio.TimerHandle | None = None
        self._owed = False
        self.told: set[asyncio.Event] = set()
        self.sent = 0

    def woke(self) -> None:
        """Something became runnable: now, or at the end of the window that is open."""
        for event in self.told:
            event.set()
        if self._timer is None:
            self._tell()
        else:
            self._owed = True

    def _tell(self) -> None:
        self._owed = False
        self._timer = asyncio.get_running_loop().call_later(WINDOW, self._over)
        self.sent += 1
        self._send()

    def _over(self) -> None:
        self._timer = None
        if self._owed:
            self._tell()

    @property
    def open(self) -> bool:
        """Whether a window is open."""
        return self._timer is not None

    def flush(self) -> None:
        """Tell now what has not been told yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._owed:
            self._owed = False
            self.sent += 1
            self._send()


class PostgresChanges:
    """See ``neveridle.board.database.Changes``.

    It listens on a connection of its own, made when somebody first waits and again whenever
    it was lost. Nothing runs while nothing happens: the event loop watches its socket.

    Args:
        url: the database.
        notifier: what this process itself made runnable needs no way round the server.
    """

    def __init__(self, url: str, notifier: Notifier) -> None:
        self._url = url
        self._told = asyncio.Event()
        self._notifier = notifier
        notifier.told.add(self._told)
        self._listener: asyncio.Task[None] | None = None

    async def wait(self, poll: float) -> None:
        """See ``Changes``; ``poll`` is for databases that cannot tell."""
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen(), name="neveridle-listen")
        # Not asyncio.wait_for: on Python 3.11 it loses a cancellation that comes together
        # with what it waits for.
        with suppress(TimeoutError):
            async with asyncio.timeout(FALLBACK * random.uniform(0.8, 1.2)):
                await self._told.wait()
        self._told.clear()

    def nudge(self) -> None:
        """See ``Changes``."""
        self._told.set()

    async def close(self) -> None:
        """See ``Changes``."""
        self._notifier.told.discard(self._told)
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)

    async def _listen(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                async with await self._connected() as connection:
                    pause = FIRST_PAUSE
                    self._told.set()  # something may have been told while nobody listened
                    await self._follow(connection)
            except (psycopg.Error, OSError) as error:
                cause = explain(error, self._url) if isinstance(error, psycopg.Error) else error
                log.info("nobody tells what becomes runnable, so it is looked for: %s", cause)
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _connected(self) -> AsyncConnection[tuple[Any, ...]]:
        made: AsyncConnection[tuple[Any, ...]] = await AsyncConnection.connect(
            self._url, autocommit=True, **options(self._url, KEEPALIVE)
        )
        try:
            row = await (await made.execute(CHANNEL.encode(), prepare=False)).fetchone()
            assert row is not None  # it gives one row
            await made.execute(f'LISTEN "{row[0]}"'.encode(), prepare=False)
        except BaseException:  # closed again, then raised on
            await made.close()
            raise
        return made

    async def _follow(self, connection: AsyncConnection[Any]) -> None:
        """Note what comes, until the connection is lost.

        Not ``connection.notifies()``: it wakes up ten times a second to look at its clock.
        """
        loop, pgconn = asyncio.get_running_loop(), connection.pgconn
        lost: asyncio.Future[None] = loop.create_future()

        def readable() -> None:
            try:
                pgconn.consume_input()
                while pgconn.notifies() is not None:
                    self._told.set()
            except psycopg.Error as error:
                loop.remove_reader(socket)
                if not lost.done():
                    lost.set_exception(error)

        socket = pgconn.socket
        loop.add_reader(socket, readable)
        try:
            readable()  # what came together with the answer to LISTEN
            await lost
        finally:
            loop.remove_reader(socket)
