"""Permits on SQLite: plain ``sqlite3``, one hop to the board's thread each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from neveridle.board.permits import line
from neveridle.board.queries import load_queries
from neveridle.board.sqlite.connection import transaction

T = TypeVar("T")


class _Quickly(Protocol):
    def __call__(
        self,
        work: Callable[[sqlite3.Connection], T],
        undo: Callable[[sqlite3.Connection, T], None] | None = None,
    ) -> Awaitable[T]: ...


class SqlitePermits:
    """See ``neveridle.board.permits.PermitPaths``.

    Args:
        quickly: runs work on the connection whose commits survive the process's death; where
            the caller was cancelled meanwhile, what it did is undone.
    """

    def __init__(self, quickly: _Quickly) -> None:
        self._quickly = quickly
        self._sql = load_queries("neveridle.board.sqlite", "permits.sql")

    async def take(
        self, names: Sequence[tuple[str, int]], run: str, seconds: float, waits: float
    ) -> list[int] | None:
        """See ``PermitPaths``."""
        sql = self._sql
        asked = [
            {"name": name, "line": line(name), "run": run, "seconds": seconds, "waits": waits}
            for name, _ in names
        ]

        def work(connection: sqlite3.Connection) -> list[int] | None:
            with transaction(connection) as c:
                c.executemany(sql["clear"], asked)
                if all(
                    c.execute(sql["ahead"], one).fetchone()[0] < cap
                    for one, (_, cap) in zip(asked, names, strict=True)
                ):
                    c.executemany(sql["leave"], asked)
                    return [int(c.execute(sql["take"], one).lastrowid or 0) for one in asked]
                for one in asked if waits else ():
                    if not c.execute(sql["stay"], one).rowcount:
                        c.execute(sql["join"], one)
                return None

        return await self._quickly(work, self._back)

    def _back(self, connection: sqlite3.Connection, ids: list[int] | None) -> None:
        if ids:
            connection.execute(self._sql["give_back"], (json.dumps(ids),))

    async def give_back(self, ids: Sequence[int]) -> None:
        """See ``PermitPaths``."""
        await self._quickly(lambda c: self._back(c, list(ids)))

    async def renew(self, ids: Sequence[int], seconds: float) -> bool:
        """See ``PermitPaths``."""
        values = (seconds, json.dumps(list(ids)))

        def work(c: sqlite3.Connection) -> bool:
            return c.execute(self._sql["renew"], values).rowcount == len(ids)

        return await self._quickly(work)
