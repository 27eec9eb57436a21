"""The board's database on SQLite: every access happens on one thread of its own."""

from __future__ import annotations

import asyncio
import errno
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from neveridle.board.revision import HEAD
from neveridle.board.rows import from_json
from neveridle.board.simulation import answer_of, one_thread
from neveridle.board.sqlite.breakers import SqliteBreakers
from neveridle.board.sqlite.budgets import SqliteBudgets
from neveridle.board.sqlite.changes import SqliteChanges
from neveridle.board.sqlite.connection import connect, retrying
from neveridle.board.sqlite.hot import SqliteHotPaths
from neveridle.board.sqlite.memories import SqliteMemories
from neveridle.board.sqlite.permits import SqlitePermits
from neveridle.board.sqlite.wal import WalTrimmer
from neveridle.errors import BoardUnusable, DiskFull

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

T = TypeVar("T")

READS = "neveridle_reads"
OWN_TABLES = {"alembic_version", "sqlite_sequence"}
PAGES = 0xFFFFFFFE
"""Pages that SQLite lets a file have."""

logger = logging.getLogger(__name__)


class SqliteDatabase:
    """Two plain connections for the hot paths, one SQLAlchemy engine for the rest.

    What was begun on the thread goes on to its end when the asyncio task that waits for it
    is cancelled: a transaction is never cut in half.

    Args:
        path: the database file; its folder is made when the board is created.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.hot = SqliteHotPaths(self._quickly, self._durably, self._commits)
        self.breakers = SqliteBreakers(path, self._quickly)
        self.memories = SqliteMemories(self._quickly, self._durably, self._commits)
        self.budgets = SqliteBudgets(self._quickly, self._durably)
        self.permits = SqlitePermits(self._quickly)
        self._wal = WalTrimmer(path)
        self._thread: Executor | None = None
        self._quick: sqlite3.Connection | None = None
        self._durable: sqlite3.Connection | None = None
        self._watch: sqlite3.Connection | None = None
        self._engine: Engine | None = None

    async def open(self, *, create: bool) -> None:
        """Connect and migrate; nothing happens where it is open already.

        Raises:
            BoardUnusable: there is no board and ``create`` is False, or it cannot be used.
            DiskFull: there is no space left.
        """
        if self._thread is not None:
            return
        if not create and not self.path.is_file():
            msg = f"There is no board at {self.path}."
            raise BoardUnusable(msg, remedy="`neveridle run` makes one.")
        self._thread = one_thread("neveridle-board")
        try:
            await self._hop(self._open)
        except BaseException:  # closed again, then raised on
            await self.close()
            raise

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"The board's folder {self.path.parent} cannot be made: {error.strerror}."
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(msg, remedy="Free some space.") from error
            raise BoardUnusable(msg, remedy="Look at the path and its permissions.") from error
        self._quick = connect(self.path, durable=False)
        self._durable = connect(self.path, durable=True)
        self._watch = connect(self.path, durable=False)
        if self._revision() != HEAD:
            self._migrate()

    def _revision(self) -> str | None:
        """The schema's revision; None: the database is empty."""
        assert self._quick is not None
        connection = self._quick

        def read() -> str | None:
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {str(row[0]) for row in rows.fetchall()}
            if "alembic_version" in tables:
                found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
                if found is not None:
                    return str(found[0])
            if tables - OWN_TABLES:
                msg = f"{self.path} is a database, but not a board."
                raise BoardUnusable(msg, remedy="Give the board a file of its own (team.board).")
            return None

        return retrying(read, self.path)

    def _migrate(self) -> None:
        from neveridle.board.revision import upgrade

        def run() -> None:
            # Somebody else may have migrated while this process waited for its turn.
            with self.engine.begin() as connection:
                upgrade(connection)

        retrying(run, self.path)

    async def leave_pages(self, pages: int | None) -> None:
        """Let the file grow by so many pages only, as where a disk is full; None: as it can."""

        def run() -> None:
            assert self._quick is not None
            there = int(self._quick.execute("PRAGMA page_count").fetchone()[0])
            limit = f"PRAGMA max_page_count = {PAGES if pages is None else there + pages}"
            for one in (self._quick, self._durable):
                if one is not None:
                    one.execute(limit)
            with self.engine.connect().execution_options(**{READS: True}) as connection:
                connection.exec_driver_sql(limit)

        await self._hop(run)

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine; made when first used, so that the hot paths need none."""
        if self._engine is None:
            from sqlalchemy import create_engine, event
            from sqlalchemy.pool import StaticPool

            self._engine = create_engine(
                "sqlite://",
                json_deserializer=from_json,
                creator=lambda: connect(self.path, durable=True),
                poolclass=StaticPool,
            )

            def begin(connection: Connection) -> None:
                # A writer that starts as a reader can be refused half-way; start as what it is.
                reads = connection.get_execution_options().get(READS, False)
                connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

            event.listen(self._engine, "begin", begin)
        return self._engine

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ordinary queries that change nothing."""

        def run() -> T:
            with self.engine.connect().execution_options(**{READS: True}) as connection:
                return work(connection)

        return await self._hop(lambda: retrying(run, self.path))

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ordinary statements in one transaction that survives a power cut.

        ``work`` may be called again where the transaction could not begin.
        """

        def run() -> T:
            with self.engine.begin() as connection:
                return work(connection)

        return await self._hop(lambda: self._counted(retrying(run, self.path)))

    def _counted(self, result: T) -> T:
        self._wal.wrote()
        return result

    def _commits(self) -> int | None:
        """A number that changes with every commit of another connection; None: ask again.

        It is read from shared memory in microseconds, and so without the hop to the
        board's thread: an idle tick asks for nothing else.
        """
        if self._watch is None:
            return None
        try:
            return int(self._watch.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error:
            return None

    def changes(self) -> SqliteChanges:
        """See ``Database``."""
        return SqliteChanges(self._commits)

    async def _quickly(
        self,
        work: Callable[[sqlite3.Connection], T],
        undo: Callable[[sqlite3.Connection, T], None] | None = None,
    ) -> T:
        return await self._through(lambda: self._quick, work, undo)

    async def _durably(
        self,
        work: Callable[[sqlite3.Connection], T],
        undo: Callable[[sqlite3.Connection, T], None] | None = None,
    ) -> T:
        return await self._through(lambda: self._durable, work, undo)

    async def _through(
        self,
        way: Callable[[], sqlite3.Connection | None],
        work: Callable[[sqlite3.Connection], T],
        undo: Callable[[sqlite3.Connection, T], None] | None,
    ) -> T:
        def run() -> T:
            connection = way()
            assert connection is not None  # _hop refuses work for a board that is not open
            return self._counted(retrying(lambda: work(connection), self.path))

        def back(result: T) -> None:
            connection = way()
            if undo is not None and connection is not None:
                revoke = undo
                retrying(lambda: revoke(connection, result), self.path)

        return await self._hop(run, back if undo is not None else None)

    async def _hop(self, work: Callable[[], T], undo: Callable[[T], None] | None = None) -> T:
        """``work``'s result, from the thread; ``undo`` is called with a result nobody gets."""
        thread = self._thread
        if thread is None:
            msg = "The board is not open."
            raise BoardUnusable(msg, remedy="Use `async with Team…` or `await board.open()`.")
        job = thread.submit(work)
        try:
            return await answer_of(job)
        except asyncio.CancelledError:
            if undo is not None and not job.cancel():
                with suppress(RuntimeError):  # closing already: then the run's end returns it
                    thread.submit(_revoke, job, undo)
            raise

    async def close(self) -> None:
        """Disconnect, once what was begun is done; may be called twice."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        watch, self._watch = self._watch, None
        done = thread.submit(self._disconnect, watch)
        thread.shutdown(wait=False)  # what was submitted is still done, in its order
        await asyncio.shield(asyncio.wrap_future(done))

    def _disconnect(self, watch: sqlite3.Connection | None) -> None:
        if self._engine is not None:
            self._engine.dispose()
        for connection in (watch, self._quick, self._durable):
            if connection is not None:
                connection.close()
        self._quick = self._durable = self._engine = None
        self.breakers.close()


def _revoke(job: Future[T], undo: Callable[[T], None]) -> None:
    """Undo what nobody got; on the one thread, so ``job`` is done by now."""
    if job.exception() is not None:
        return
    try:
        undo(job.result())
    except Exception:  # nobody waits for this: a log line is all there can be
        logger.warning("what a cancelled call had done could not be undone", exc_info=True)
