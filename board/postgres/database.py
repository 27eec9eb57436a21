"""The board's database on PostgreSQL: hot paths on the loop, ordinary queries on a thread."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from neveridle.board.address import shown
from neveridle.board.postgres.breakers import PostgresBreakers
from neveridle.board.postgres.budgets import PostgresBudgets
from neveridle.board.postgres.changes import NOTIFY, Notifier, PostgresChanges
from neveridle.board.postgres.errors import PASSING, TRIES, explain, of
from neveridle.board.postgres.hot import PostgresHotPaths
from neveridle.board.postgres.memories import PostgresMemories
from neveridle.board.postgres.permits import PostgresPermits
from neveridle.board.postgres.session import Rows, Session, connect, pause
from neveridle.board.revision import HEAD
from neveridle.errors import BoardUnusable, NeveridleError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

T = TypeVar("T")

READS = "neveridle_reads"
WOKE = "neveridle_woke"
"""Where ``board.sql.wake`` notes on its connection that something became runnable."""
MIGRATION = 0x6E657665720001
"""The advisory lock under which one process at a time looks at the schema and migrates it."""

logger = logging.getLogger(__name__)


class PostgresDatabase:
    """Two psycopg connections for the hot paths, one SQLAlchemy engine for the rest.

    What was begun goes on to its end when the asyncio task that waits for it is cancelled:
    a transaction is never cut in half, and a claim that nobody gets is undone.

    Args:
        url: ``postgresql://USER:PASSWORD@HOST/DATABASE``, as libpq reads it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._notifier = Notifier(self._notify)
        self.hot = PostgresHotPaths(self._quickly, self._durably, self._notifier.woke)
        self.breakers = PostgresBreakers(self._quickly)
        self.memories = PostgresMemories(self._quickly, self._durably)
        self.budgets = PostgresBudgets(self._quickly, self._durably)
        self.permits = PostgresPermits(self._quickly)
        self._thread: ThreadPoolExecutor | None = None
        self._quick: Session | None = None
        self._durable: Session | None = None
        self._engine: Engine | None = None
        self._begun: set[asyncio.Task[Any]] = set()
        self._undone: set[asyncio.Task[Any]] = set()

    async def open(self, *, create: bool) -> None:
        """Connect and migrate; nothing happens where it is open already.

        Raises:
            BoardUnusable: there is no board and ``create`` is False, or it cannot be used.
            DiskFull: there is no space left.
        """
        if self._thread is not None:
            return
        self._quick = Session(self.url, durable=False)
        self._durable = Session(self.url, durable=True)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="neveridle-board")
        try:
            revision = await self._quickly(self._revision)
            if revision is None and not create:
                msg = f"There is no board at {shown(self.url)}."
                raise BoardUnusable(msg, remedy="`neveridle run` makes one.")
            if revision != HEAD:
                await self._hop(self._migrate)
        except BaseException:  # closed again, then raised on
            await self.close()
            raise

    async def _revision(self, connection: Rows) -> str | None:
        """The schema's revision; None: the database is empty."""
        rows = await connection.execute(
            "SELECT table_name::text FROM information_schema.tables"
            " WHERE table_schema = current_schema()"
        )
        tables = {str(row[0]) for row in await rows.fetchall()}
        if "alembic_version" in tables:
            found = await connection.execute("SELECT version_num FROM alembic_version")
            row = await found.fetchone()
            if row is not None:
                return str(row[0])
        if tables - {"alembic_version"}:
            msg = f"{shown(self.url)} is a database, but not a board."
            raise BoardUnusable(msg, remedy="Give the board a database of its own (team.board).")
        return None

    def _migrate(self) -> None:
        from sqlalchemy import text

        from neveridle.board.revision import upgrade

        with self.engine.connect().execution_options(**{READS: True}) as connection:
            # Somebody else may have migrated while this process waited for its turn.
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION})
            upgrade(connection)
            connection.commit()

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine; made when first used, so that the hot paths need none."""
        if self._engine is None:
            from sqlalchemy import create_engine, event

            self._engine = create_engine(
                "postgresql+psycopg://",
                creator=lambda: connect(self.url),
                pool_size=1,
                max_overflow=0,
                pool_pre_ping=True,
            )

            def begin(connection: Connection) -> None:
                if not connection.get_execution_options().get(READS, False):
                    connection.exec_driver_sql("LOCK TABLE clock IN EXCLUSIVE MODE")

            event.listen(self._engine, "begin", begin)
        return self._engine

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ordinary queries that change nothing, all of one moment."""
        options = {
            READS: True,
            "isolation_level": "REPEATABLE READ",
            "postgresql_readonly": True,
        }

        def run() -> T:
            with self.engine.connect().execution_options(**options) as connection:
                return work(connection)

        return await self._hop(run)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ordinary statements in one transaction that survives a power cut.

        One such transaction runs at a time, whatever the number of processes: what it has
        read stays true until it is done. ``work`` may be called again.
        """

        loop = asyncio.get_running_loop()

        def run() -> T:
            with self.engine.begin() as connection:
                connection.info.pop(WOKE, None)
                result = work(connection)
                woke = bool(connection.info.pop(WOKE, False))
            if woke:  # committed; said from here, as nobody may be waiting any more
                loop.call_soon_threadsafe(self._notifier.woke)
            return result

        return await self._hop(run)

    def changes(self) -> PostgresChanges:
        """See ``Database``."""
        return PostgresChanges(self.url, self._notifier)

    def _notify(self) -> None:
        session = self._quick
        if session is not None:
            self._begin(session.run(lambda c: c.execute(NOTIFY, prepare=False)))

    async def _quickly(
        self,
        work: Callable[[Rows], Awaitable[T]],
        undo: Callable[[Rows, T], Awaitable[None]] | None = None,
    ) -> T:
        return await self._through(self._quick, work, undo)

    async def _durably(
        self,
        work: Callable[[Rows], Awaitable[T]],
        undo: Callable[[Rows, T], Awaitable[None]] | None = None,
    ) -> T:
        return await self._through(self._durable, work, undo)

    async def _through(
        self,
        session: Session | None,
        work: Callable[[Rows], Awaitable[T]],
        undo: Callable[[Rows, T], Awaitable[None]] | None,
    ) -> T:
        """``work``'s result; ``undo`` is called with a result nobody gets."""
        if session is None or self._thread is None:
            raise _closed()
        job = self._begin(session.run(work))
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            if undo is not None:
                undoing = self._begin(_revoke(session, job, undo))
                self._undone.add(undoing)
                undoing.add_done_callback(self._undone.discard)
            raise

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start what goes on whoever waits for it; ``close`` does."""
        job = asyncio.get_running_loop().create_task(work, name="neveridle-board")
        self._begun.add(job)
        job.add_done_callback(self._ended)
        return job

    def _ended(self, job: asyncio.Task[Any]) -> None:
        self._begun.discard(job)
        if not job.cancelled():
            job.exception()  # whoever waits gets it; where nobody does, nobody is missed

    async def _hop(self, work: Callable[[], T]) -> T:
        """``work``'s result, from the thread; run again where its transaction was undone."""
        thread = self._thread
        if thread is None:
            raise _closed()
        if self._undone:  # who looks after a claim was cancelled sees it undone
            await asyncio.wait(self._undone)
        return await asyncio.wrap_future(thread.submit(self._retrying, work))

    def _retrying(self, work: Callable[[], T]) -> T:
        for tries in range(1, TRIES + 1):
            try:
                return work()
            except NeveridleError:
                raise
            except Exception as error:  # SQLAlchemy wraps what psycopg raises; look inside
                cause = of(error)
                if cause is None:
                    raise
                if not isinstance(cause, PASSING) or tries == TRIES:
                    explained = explain(cause, self.url)
                    raise (error if explained is cause else explained) from error
            time.sleep(pause(tries))
        raise AssertionError

    async def close(self) -> None:
        """Disconnect, once what was begun is done; may be called twice."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        done = thread.submit(self._dispose)
        thread.shutdown(wait=False)  # what was submitted is still done, in its order
        await asyncio.shield(self._disconnect(asyncio.wrap_future(done)))

    def _dispose(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
        self._engine = None

    async def _disconnect(self, disposed: asyncio.Future[None]) -> None:
        await disposed
        self._notifier.flush()
        while self._begun:
            await asyncio.wait(self._begun)
        for session in (self._quick, self._durable):
            if session is not None:
                await session.close()
        self._quick = self._durable = None


def _closed() -> BoardUnusable:
    msg = "The board is not open."
    return BoardUnusable(msg, remedy="Use `async with Team…` or `await board.open()`.")


async def _revoke(
    session: Session, job: asyncio.Task[T], undo: Callable[[Rows, T], Awaitable[None]]
) -> None:
    """Undo what nobody got."""
    await asyncio.wait([job])
    if job.cancelled() or job.exception() is not None:
        return
    result = job.result()
    try:
        await session.run(lambda c: undo(c, result))
    except (NeveridleError, psycopg.Error):  # nobody waits: a log line is all there can be
        logger.warning("what a cancelled call had done could not be undone", exc_info=True)
