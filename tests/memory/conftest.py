"""A small store of rows, standing in for the board at the ``MemoryStore`` seam."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

import pytest

from neveridle.memory import Embedder, HashingEmbedder, Memory, MemoryRow


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
