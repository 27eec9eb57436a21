"""Permits on PostgreSQL: one round trip each."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import AsyncClientCursor

from neveridle.board.permits import line
from neveridle.board.postgres.hop import Hop
from neveridle.board.postgres.session import Rows
from neveridle.board.postgres.wire import Statement
from neveridle.board.queries import load_queries

LOCK = 0x6E657665720002
"""The advisory lock under which one call at a time asks for room."""


class PostgresPermits:
    """See ``neveridle.board.permits.PermitPaths``.

    Args:
        quickly: runs work on the connection whose commits survive the process's death; where
            the caller was cancelled meanwhile, what it did is undone.
    """

    def __init__(self, quickly: Hop) -> None:
        self._quickly = quickly
        queries = load_queries("neveridle.board.postgres", "permits.sql")
        self._take = queries.pop("take").encode()
        self._hot = {
            name: Statement.named(f"permits_{name}", query) for name, query in queries.items()
        }

    async def take(
        self, names: Sequence[tuple[str, int]], run: str, seconds: float, waits: float
    ) -> list[int] | None:
        """See ``PermitPaths``."""
        values = {
            "lock": LOCK, "names": [name for name, _ in names],
            "lines": [line(name) for name, _ in names], "caps": [cap for _, cap in names],
            "run": run, "seconds": seconds, "waits": waits,
        }  # fmt: skip

        async def work(c: Rows) -> list[int] | None:
            # Values are put into the text here: only so may a message hold two statements.
            async with AsyncClientCursor(c) as cursor:
                await cursor.execute(self._take, values)
                cursor.nextset()
                return [int(row[0]) for row in await cursor.fetchall()] or None

        return await self._quickly(work, self._back)

    async def _back(self, c: Rows, ids: list[int] | None) -> None:
        if ids:
            await c.fetch(self._hot["give_back"], {"ids": ids})

    async def give_back(self, ids: Sequence[int]) -> None:
        """See ``PermitPaths``."""
        await self._quickly(lambda c: self._back(c, list(ids)))

    async def renew(self, ids: Sequence[int], seconds: float) -> bool:
        """See ``PermitPaths``."""
        values = {"ids": list(ids), "seconds": seconds}

        async def work(c: Rows) -> bool:
            return len(await c.fetch(self._hot["renew"], values)) == len(ids)

        return await self._quickly(work)
