"""A small store of rows, standing in for the board at the ``MemoryStore`` seam."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

import pytest

from neveridle.memory import Embedder, HashingEmbedder, Memory, MemoryRow


class RowStore:
    """Rows in SQLite, so that another process can read them after a kill."""

    def __init__(self, path: Path | str = ":memory:") -> None:
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.execute(
            "CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY AUTOINCREMENT, agent, kind,"
            " text, tags, source, importance, at, trusted, indexed DEFAULT 0)"
        )

    async def add_memory(
        self,
        *,
        agent: str,
        kind: str,
        text: str,
        tags: Sequence[str],
        source: str,
        importance: float,
        at: float | None,
        trusted: bool,
    ) -> int:
        cursor = self.database.execute(
            "INSERT INTO rows (agent, kind, text, tags, source, importance, at, trusted)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (agent, kind, text, json.dumps(list(tags)), source, importance, at or 0.0, trusted),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    async def memories(self, ids: Sequence[int]) -> list[MemoryRow]:
        marks = ", ".join("?" * len(ids))
        return self._rows(f"WHERE id IN ({marks})", *ids)

    async def latest_memories(
        self, limit: int, *, before: int | None = None, agent: str | None = None
    ) -> list[MemoryRow]:
        return self._rows(
            "WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR agent = ?2)"
            " ORDER BY id DESC LIMIT ?3",
            before,
            agent,
            limit,
        )

    async def unindexed_memories(self, limit: int) -> list[MemoryRow]:
        return self._rows("WHERE indexed = 0 ORDER BY id LIMIT ?", limit)

    async def mark_indexed(self, ids: Sequence[int]) -> None:
        self.database.executemany("UPDATE rows SET indexed = 1 WHERE id = ?", [(i,) for i in ids])

    def _rows(self, where: str, *values: object) -> list[MemoryRow]:
        found = self.database.execute(
            "SELECT id, agent, kind, text, tags, source, importance, at, trusted FROM rows "  # noqa: S608 - the conditions are written above
            + where,
            values,
        ).fetchall()
        return [
            MemoryRow(i, agent, kind, text, tuple(json.loads(tags)), source, weight, at, bool(ok))
            for i, agent, kind, text, tags, source, weight, at, ok in found
        ]


class CountingEmbedder:
    """The hashing embedder, counting what it was asked."""

    def __init__(self, inner: Embedder) -> None:
        self.inner = inner
        self.texts: list[str] = []

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def dimensions(self) -> int:
        return self.inner.dimensions

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.texts += texts
        return await self.inner.embed(texts)


@pytest.fixture
def store() -> RowStore:
    return RowStore()


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder(HashingEmbedder())


@pytest.fixture
async def open_memory(
    store: RowStore, embedder: CountingEmbedder, tmp_path: Path
) -> AsyncGenerator[Callable[..., Memory]]:
    """Makes memories over the same store and home, and closes them."""
    made: list[Memory] = []

    def make(
        *, store: RowStore = store, embedder: Embedder = embedder, home: Path = tmp_path
    ) -> Memory:
        made.append(Memory(store, home=home, embedder=embedder))
        return made[-1]

    yield make
    for memory in made:
        await memory.close()


@pytest.fixture
def memory(open_memory: Callable[..., Memory]) -> Memory:
    return open_memory()
