"""The board's database on SQLite: every access happens on one thread of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from neveridle.board.revision import HEAD
from neveridle.board.sqlite.connection import connect, explain, retrying
from neveridle.board.sqlite.hot import SqliteHotPaths
from neveridle.errors import BoardUnusable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

T = TypeVar("T")

READS = "neveridle_reads"


class SqliteDatabase:
    """Two plain connections for the hot paths, one SQLAlchemy engine for the rest.

    Args:
        path: the database file; its folder is made when the board is created.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.hot = SqliteHotPaths(self._quickly, self._durably)
        self._thread: ThreadPoolExecutor | None = None
        self._quick: sqlite3.Connection | None = None
        self._durable: sqlite3.Connection | None = None
        self._engine: Engine | None = None

    async def open(self, *, create: bool) -> None:
        """Connect and migrate.

        Raises:
            BoardUnusable: there is no board and ``create`` is False, or it cannot be used.
        """
        if not create and not self.path.is_file():
            msg = f"There is no board at {self.path}."
            raise BoardUnusable(msg, remedy="`neveridle run` makes one.")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="neveridle-board")
        try:
            await self._hop(self._open)
        except BaseException:
            await self.close()
            raise

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._quick = connect(self.path, durable=False)
            self._durable = connect(self.path, durable=True)
        except OSError as error:
            msg = f"The board's folder {self.path.parent} cannot be used: {error}."
            raise BoardUnusable(msg, remedy="Look at the path and its permissions.") from error
        except sqlite3.Error as error:
            raise explain(error, self.path) from error
        if self._revision() != HEAD:
            self._migrate()

    def _revision(self) -> str | None:
        assert self._quick is not None
        connection = self._quick

        def read() -> str | None:
            row = connection.execute(
                "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
            ).fetchone()
            if row is None:
                return None
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return None if found is None else str(found[0])

        return retrying(read, self.path)

    def _migrate(self) -> None:
        from neveridle.board.revision import upgrade

        def run() -> None:
            # Somebody else may have migrated while this process waited for its turn.
            with self.engine.begin() as connection:
                upgrade(connection)

        retrying(run, self.path)

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine; made when first used, so that the hot paths need none."""
        if self._engine is None:
            from sqlalchemy import create_engine, event
            from sqlalchemy.pool import StaticPool

            self._engine = create_engine(
                "sqlite://",
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
        """Run ordinary statements in one transaction that survives a power cut."""

        def run() -> T:
            with self.engine.begin() as connection:
                return work(connection)

        return await self._hop(lambda: retrying(run, self.path))

    async def _quickly(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._quick
        assert connection is not None, "the board is not open"
        return await self._hop(lambda: retrying(lambda: work(connection), self.path))

    async def _durably(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._durable
        assert connection is not None, "the board is not open"
        return await self._hop(lambda: retrying(lambda: work(connection), self.path))

    async def _hop(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            msg = "The board is not open."
            raise BoardUnusable(msg, remedy="Use `async with Team…` or `await board.open()`.")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Disconnect; may be called twice."""
        thread, self._thread = self._thread, None
        if thread is None:
            return

        def disconnect() -> None:
            if self._engine is not None:
                self._engine.dispose()
            connections: list[Any] = [self._quick, self._durable]
            for connection in connections:
                if connection is not None:
                    connection.close()

        await asyncio.get_running_loop().run_in_executor(thread, disconnect)
        self._quick = self._durable = self._engine = None
        thread.shutdown(wait=False)
