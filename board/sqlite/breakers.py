"""The breakers on SQLite: processes tell each other of changes through shared memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from neveridle.board.breaker_store import Snapshot, breakers_of
from neveridle.board.elapsed import elapsed
from neveridle.board.queries import load_queries
from neveridle.board.sqlite.connection import is_busy, transaction
from neveridle.board.sqlite.counter import SharedCounter

T = TypeVar("T")

ABSURD = 1 << 32
"""Changes that were begun and not committed; so many there never are."""


class _Quickly(Protocol):
    def __call__(self, work: Callable[[sqlite3.Connection], T]) -> Awaitable[T]: ...


class SqliteBreakers:
    """See ``BreakerStore``.

    Every change writes one number into the database and, before its commit and while
    nobody else can write, into shared memory. So while the number there is the one that
    was read from the database, nothing has changed; else the database is asked.

    Args:
        path: the database file.
        quickly: runs work on the connection whose commits survive the process's death.
    """

    def __init__(self, path: Path, quickly: _Quickly) -> None:
        self._counter = SharedCounter(Path(f"{path}-breakers"))
        self._quickly = quickly
        self._sql = load_queries("neveridle.board.sqlite", "breakers.sql")
        self.stamp = self._counter.value

    async def read(self) -> Snapshot:
        """See ``BreakerStore``."""
        return await self._quickly(self._read)

    def _read(self, connection: sqlite3.Connection) -> Snapshot:
        self._counter.open(writing=False)
        found = self._select(connection)
        if self._counter.value() not in (None, found[0]):
            found = self._settled(connection) or found
        number, at, rows = found
        # Asked last: what was changed after the rows were read shows here.
        kept = number if self._counter.value() == number else None
        breakers, _ = breakers_of(rows)
        return Snapshot(kept, breakers, float(rows[0]["now"]), at, bool(rows[0]["scripted"]))

    def _select(self, connection: sqlite3.Connection) -> tuple[int, float, list[Mapping[str, Any]]]:
        at = elapsed()
        rows: list[Mapping[str, Any]] = connection.execute(self._sql["read"]).fetchall()
        return breakers_of(rows)[1], at, rows

    def _settled(
        self, connection: sqlite3.Connection
    ) -> tuple[int, float, list[Mapping[str, Any]]] | None:
        """The rows while nobody writes, and the counter set to their number.

        It differs where a write was undone, its writer died before the commit, or the board
        was copied. While nobody writes, what is in the database is all there is.

        Returns:
            None: somebody is writing just now.
        """
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if is_busy(error):
                return None
            raise
        try:
            found = self._select(connection)
            self._counter.set(found[0])
            return found
        finally:
            connection.execute("ROLLBACK")

    async def count(self, service: str, threshold: int) -> bool:
        """See ``BreakerStore``."""
        return await self._change("count", service=service, threshold=threshold)

    async def clear(self, service: str) -> None:
        """See ``BreakerStore``."""
        await self._change("clear", service=service)

    async def _change(self, name: str, **values: Any) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            with transaction(connection) as c:
                number = int(c.execute(self._sql["number"]).fetchone()[0])
                self._counter.open(writing=True)
                after = self._after(number)
                changed = c.execute(self._sql[name], {**values, "number": after}).fetchall()
                if changed:
                    self._counter.set(after)
            return bool(changed)

        return await self._quickly(work)

    async def waiting(self) -> dict[str, int]:
        """See ``BreakerStore``."""
        return await self._quickly(lambda c: dict(c.execute(self._sql["waiting"]).fetchall()))

    def next(self, number: int) -> int:
        """See ``BreakerStore``."""
        self._counter.open(writing=True)
        after = self._after(number)
        self._counter.set(after)
        return after

    def _after(self, number: int) -> int:
        shown = self._counter.value() or 0
        # A file that was filled with something else says nothing.
        return max(number, shown if shown < number + ABSURD else 0) + 1

    def close(self) -> None:
        """Let go of the shared memory."""
        self._counter.close()
