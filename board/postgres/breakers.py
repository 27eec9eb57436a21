"""The breakers on PostgreSQL: the database is asked before each request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from neveridle.board.breaker_store import Snapshot, breakers_of
from neveridle.board.elapsed import elapsed
from neveridle.board.postgres.session import Rows
from neveridle.board.postgres.wire import Statement
from neveridle.board.queries import load_queries

T = TypeVar("T")


class _Quickly(Protocol):
    def __call__(self, work: Callable[[Rows], Awaitable[T]]) -> Awaitable[T]: ...


class PostgresBreakers:
    """See ``BreakerStore``. Hosts share no memory, so nothing is kept.

    Args:
        quickly: runs work on the connection whose commits survive the process's death.
    """

    def __init__(self, quickly: _Quickly) -> None:
        self._quickly = quickly
        queries = load_queries("neveridle.board.postgres", "breakers.sql")
        self._sql = {
            name: Statement.named(f"breakers_{name}", query) for name, query in queries.items()
        }

    def stamp(self) -> int | None:
        """See ``BreakerStore``."""
        return None

    async def read(self) -> Snapshot:
        """See ``BreakerStore``."""
        statement = self._sql["read"]

        async def work(c: Rows) -> Snapshot:
            at = elapsed()
            found = await c.fetch(statement)
            names = c.columns(statement)
            rows = [dict(zip(names, row, strict=True)) for row in found]
            breakers, _ = breakers_of(rows)
            return Snapshot(None, breakers, float(rows[0]["now"]), at, bool(rows[0]["scripted"]))

        return await self._quickly(work)

    async def count(self, service: str, threshold: int) -> bool:
        """See ``BreakerStore``."""
        return bool(await self._fetch("count", service=service, threshold=threshold))

    async def clear(self, service: str) -> None:
        """See ``BreakerStore``."""
        await self._fetch("clear", service=service)

    async def waiting(self) -> dict[str, int]:
        """See ``BreakerStore``."""
        return {name: int(count) for name, count in await self._fetch("waiting")}

    async def _fetch(self, name: str, **values: Any) -> list[tuple[Any, ...]]:
        async def work(c: Rows) -> list[tuple[Any, ...]]:
            return await c.fetch(self._sql[name], values)

        return await self._quickly(work)

    def next(self, number: int) -> int:
        """See ``BreakerStore``."""
        return number + 1
