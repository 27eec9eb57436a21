"""One connection to PostgreSQL for hot paths: made again when it was lost."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import psycopg

from neveridle.board.postgres.errors import PASSING, TRIES, explain
from neveridle.board.postgres.wire import Wire

T = TypeVar("T")

Rows = Wire

LIMITS = """
SET default_transaction_isolation = 'read committed';
SET lock_timeout = '30s';
SET idle_in_transaction_session_timeout = '10s';
"""
"""For every connection: nobody waits, or makes others wait, without end.

A process that stands still in the middle of a transaction (stopped, or its host is gone)
holds up the others' writes; its transaction has to end before theirs give up.
"""

# A statement is planned once. A plan made while the tables were small must not turn out to
# read them whole when they have grown, so only the ways along an index are left.
HOT = """
SET jit = off;
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_sort = off;
"""

# What the server asks for beyond the local disk, such as a standby's word, is kept.
DURABLE = """
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') = 'off';
"""
QUICK = "SET synchronous_commit = off;"

IDLE = 1.0
"""Seconds after which a connection is asked whether it still is one, before it is used."""

CONNECT = {
    "connect_timeout": 10,
    "application_name": "neveridle",
    # A network that swallows packets must not hold a heartbeat up for a quarter of an hour.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class Session:
    """A connection in autocommit mode: a statement is a transaction.

    Args:
        url: the database.
        durable: whether a commit survives a power cut, or only the death of the process.
    """

    def __init__(self, url: str, *, durable: bool) -> None:
        self._url = url
        self._settings = LIMITS + HOT + (DURABLE if durable else QUICK)
        self._connection: Rows | None = None
        self._turn = asyncio.Lock()
        self._used = 0.0

    async def run(self, work: Callable[[Rows], Awaitable[T]]) -> T:
        """``work``'s result, in its turn; called again where its transaction was undone.

        Raises:
            BoardUnusable: the database cannot be reached or used.
            DiskFull: there is no space left.
        """
        async with self._turn:
            for tries in range(1, TRIES + 1):
                try:
                    return await work(await self._connected())
                except PASSING as error:
                    if tries == TRIES:
                        raise explain(error, self._url) from error
                except psycopg.Error as error:
                    explained = explain(error, self._url)
                    if explained is error:
                        raise
                    raise explained from error
                await asyncio.sleep(pause(tries))
            raise AssertionError

    async def _connected(self) -> Rows:
        now = time.monotonic()
        if self._connection is not None and now - self._used > IDLE:
            # What fails now has not been begun; what fails later may have been done.
            with suppress(psycopg.OperationalError):
                await self._connection.execute(b"", prepare=False)
        self._used = now
        if self._connection is None or self._connection.closed:
            made = await Wire.connect(
                self._url, autocommit=True, prepare_threshold=0, **options(self._url)
            )
            try:
                await made.execute(self._settings.encode(), prepare=False)
            except BaseException:  # closed again, then raised on
                await made.close()
                raise
            self._connection = made
        return self._connection

    async def close(self) -> None:
        """Disconnect, once what was begun is done."""
        async with self._turn:
            if self._connection is not None:
                await self._connection.close()
            self._connection = None


def options(url: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Defaults for what the URL does not say itself."""
    wanted = {**CONNECT, **(more or {})}
    return {name: value for name, value in wanted.items() if f"{name}=" not in url}


def connect(url: str) -> psycopg.Connection[Any]:
    """A plain connection, for SQLAlchemy; durable as the server has it, at least locally."""
    made: psycopg.Connection[Any] = psycopg.connect(url, autocommit=True, **options(url))
    try:
        made.execute((LIMITS + DURABLE).encode(), prepare=False)
        made.autocommit = False
    except BaseException:  # closed again, then raised on
        made.close()
        raise
    return made


def pause(tries: int) -> float:
    """Seconds to let others finish: growing, bounded, and for each a little different."""
    return random.uniform(0.0002, 0.001) * (1 << min(tries, 7))
