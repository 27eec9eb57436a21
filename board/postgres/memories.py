"""Memory on PostgreSQL: prepared statements, one round trip each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import psycopg

from neveridle.board.memory_paths import (
    BARE,
    COLUMNS,
    TEXT,
    Row,
    Stored,
    memory_from,
    refused,
    stored,
)
from neveridle.board.memory_row import MemoryRow, NewMemory
from neveridle.board.postgres.session import Rows
from neveridle.board.postgres.wire import Statement
from neveridle.board.queries import load_queries

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")

AT_ONCE = 500
"""Memories in one statement; more are several statements of one transaction."""


class _Hop(Protocol):
    def __call__(self, work: Callable[[Rows], Awaitable[T]]) -> Awaitable[T]: ...


class PostgresMemories:
    """See ``neveridle.board.memory_paths.MemoryPaths``.

    Args:
        quickly: runs work on the connection that the hot paths read with.
        durably: runs work on the connection whose commits survive a power cut.
    """

    def __init__(self, quickly: _Hop, durably: _Hop) -> None:
        self._quickly = quickly
        self._durably = durably
        self._hot = {
            name: Statement.named(f"memory_{name}", query, binary=True)
            for name, query in _queries().items()
        }

    async def add(self, new: Sequence[NewMemory]) -> list[int]:
        """See ``MemoryPaths``."""
        if not new:
            return []
        parts = _parts(new)

        async def work(c: Rows) -> list[int]:
            if len(parts) == 1:
                return [int(row[0]) for row in await c.fetch(self._hot["add"], parts[0])]
            async with c.transaction():
                return [
                    int(row[0]) for part in parts for row in await c.fetch(self._hot["add"], part)
                ]

        try:
            return await self._durably(work)
        except (psycopg.IntegrityError, psycopg.DataError) as error:
            raise refused(error) from error

    async def get(self, ids: Sequence[int]) -> list[MemoryRow]:
        """See ``MemoryPaths``."""
        return [memory_from(row) for row in await self._rows("get", {"ids": list(ids)})]

    async def tokens(self, ids: Sequence[int]) -> dict[int, bytes]:
        """See ``MemoryPaths``."""
        rows = await self._rows("tokens", {"ids": list(ids)})
        return {int(row[0]): bytes(row[1]) for row in rows}

    async def revision(self) -> tuple[int, int]:
        """See ``MemoryPaths``. Hosts share no memory, so the database is asked."""
        ((last, pruned),) = await self._rows("revision", {})
        return int(last), int(pruned)

    async def changes(self, after: int, limit: int) -> list[Row]:
        """See ``MemoryPaths``."""
        rows: list[Row] = [*await self._rows("changes", {"after": after, "limit": limit})]
        return rows

    async def _rows(self, name: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return await self._quickly(lambda c: c.fetch(self._hot[name], values))


@cache
def _queries() -> dict[str, str]:
    queries = load_queries("neveridle.board.postgres", "memories.sql")
    return {name: sql.format(text=TEXT, bare=BARE) for name, sql in queries.items()}


def add_within(connection: Connection, new: Sequence[NewMemory]) -> list[int]:
    """Store memories inside an ordinary transaction; their ids, in order."""
    from sqlalchemy.exc import DataError, IntegrityError

    query = _queries()["add"]
    try:
        return [
            int(row[0]) for part in _parts(new) for row in connection.exec_driver_sql(query, part)
        ]
    except (IntegrityError, DataError) as error:
        raise refused(error.orig or error) from error


def _parts(new: Sequence[NewMemory]) -> list[dict[str, Any]]:
    made = [stored(one) for one in new]
    return [_arrays(made[at : at + AT_ONCE]) for at in range(0, len(made), AT_ONCE)]


def _arrays(made: Sequence[Stored]) -> dict[str, Any]:
    """The parameters of ``add``."""
    columns = zip(*(one.row for one in made), strict=True)
    values: dict[str, Any] = {
        name: list(column) for name, column in zip(COLUMNS, columns, strict=True)
    }
    known = [one.signals or (None, None, None) for one in made]
    return {
        **values,
        "count": len(made),
        "signals": [one.signals is not None for one in made],
        "model": [one[0] for one in known],
        "terms": [one[1] for one in known],
        "dense": [one[2] for one in known],
        "tokens": [one.tokens for one in made],
    }
