"""Memory on SQLite: plain ``sqlite3``, one hop to the board's thread each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from neveridle.board.memory_paths import BARE, TEXT, Row, Stored, memory_from, refused, stored
from neveridle.board.memory_row import MemoryRow, NewMemory
from neveridle.board.queries import load_queries
from neveridle.board.sqlite.connection import transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")


class _Hop(Protocol):
    def __call__(self, work: Callable[[sqlite3.Connection], T]) -> Awaitable[T]: ...


class SqliteMemories:
    """See ``neveridle.board.memory_paths.MemoryPaths``.

    Args:
        quickly: runs work on the connection that the hot paths read with.
        durably: runs work on the connection whose commits survive a power cut.
        commits: a number that changes with every commit; None: it is not known.
    """

    def __init__(self, quickly: _Hop, durably: _Hop, commits: Callable[[], int | None]) -> None:
        self._quickly = quickly
        self._durably = durably
        self._commits = commits
        self._revision: tuple[int | None, tuple[int, int]] = (None, (0, 0))
        self._sql = _queries()

    async def add(self, new: Sequence[NewMemory]) -> list[int]:
        """See ``MemoryPaths``."""
        if not new:
            return []
        made = [stored(one) for one in new]

        def work(connection: sqlite3.Connection) -> list[int]:
            with transaction(connection) as c:
                return _insert(c, made)

        try:
            return await self._durably(work)
        except sqlite3.IntegrityError as error:
            raise refused(error) from error

    async def get(self, ids: Sequence[int]) -> list[MemoryRow]:
        """See ``MemoryPaths``."""
        return [memory_from(row) for row in await self._rows("get", (json.dumps(list(ids)),))]

    async def tokens(self, ids: Sequence[int]) -> dict[int, bytes]:
        """See ``MemoryPaths``."""
        return dict(await self._rows("tokens", (json.dumps(list(ids)),)))

    async def revision(self) -> tuple[int, int]:
        """See ``MemoryPaths``; the database is asked only where somebody has committed since."""
        commits = self._commits()
        known, revision = self._revision
        if commits is None or commits != known:
            ((last, pruned),) = await self._rows("revision", ())
            revision = (int(last), int(pruned))
            self._revision = (commits, revision)
        return revision

    async def changes(self, after: int, limit: int) -> list[Row]:
        """See ``MemoryPaths``."""
        return await self._rows("changes", (after, limit))

    async def _rows(self, name: str, values: tuple[Any, ...]) -> list[Any]:
        """The rows of a query as plain tuples."""

        def work(connection: sqlite3.Connection) -> list[Any]:
            cursor = connection.cursor()
            cursor.row_factory = None  # made for names, which nobody asks for here
            return cursor.execute(self._sql[name], values).fetchall()

        return await self._quickly(work)


@cache
def _queries() -> dict[str, str]:
    queries = load_queries("neveridle.board.sqlite", "memories.sql")
    return {name: sql.format(text=TEXT, bare=BARE) for name, sql in queries.items()}


def add_within(connection: Connection, new: Sequence[NewMemory]) -> list[int]:
    """Store memories inside an ordinary transaction; their ids, in order."""
    plain: Any = connection.connection.driver_connection
    try:
        return _insert(plain, [stored(one) for one in new])
    except sqlite3.IntegrityError as error:
        raise refused(error) from error


def _insert(c: sqlite3.Connection, made: Sequence[Stored]) -> list[int]:
    sql = _queries()
    first, now = c.execute(sql["reserve"], {"count": len(made)}).fetchone()
    c.executemany(
        sql["insert"],
        [
            (revision, now, now if one.row[0] is None else one.row[0], *one.row[1:])
            for revision, one in enumerate(made, start=first)
        ],
    )
    # Nobody else inserts meanwhile, so the ids are one after the other.
    last = int(c.execute("SELECT last_insert_rowid()").fetchone()[0])
    ids = list(range(last - len(made) + 1, last + 1))
    known = list(zip(ids, made, strict=True))
    c.executemany(
        sql["insert_signals"],
        [(i, *one.signals) for i, one in known if one.signals is not None],
    )
    c.executemany(
        sql["insert_tokens"], [(i, one.tokens) for i, one in known if one.tokens is not None]
    )
    return ids
