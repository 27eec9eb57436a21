"""Recall among 100,000 memories, in every scope, beside a bare Chroma's unfiltered query."""

from __future__ import annotations

import asyncio
import atexit
import tempfile
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.harness import Pair, Sampler, row, scaled, timed
from bench.memories import AGENTS, SHARES, Vectors, made, near, words_of

ROWS: Final = 100_000
_QUERIES: Final = 40
_BATCH: Final = 2_000
_START: Final = 1_700_000_000.0  # when the first memory was; one a minute since
SCOPES: Final[dict[str, dict[str, Any]]] = {
    "all": {},
    "half, by tag": {"tags": ("half",)},
    "half, by time": {"since": 0.5},
    "1 %, by tag": {"tags": ("hundredth",)},
    "1 %, by time": {"since": 0.99},
    "0.1 %, by tag": {"tags": ("thousandth",)},
    "one agent": {"agent": "agent1"},
}


class Store:
    """A board with memories, a memory over it, and a bare Chroma with the same vectors."""

    def __init__(self, folder: Path, *, alike: bool) -> None:
        self.count = scaled(ROWS)
        rows = made(self.count, alike=alike)
        self.queries = near(rows, _QUERIES)
        self.vectors = Vectors(np.concatenate((rows, self.queries)))
        self.runner = asyncio.Runner()
        self._chroma = self._bare(folder / "chroma", rows)
        self.memory = self.runner.run(self._filled(folder, rows))
        self._asked = 0

    async def _filled(self, folder: Path, rows: Any) -> Any:
        from neveridle.board import Board
        from neveridle.board.memory_row import NewMemory, Signals
        from neveridle.memory import Memory
        from neveridle.memory.recall.analysis import terms_blob

        self.board = Board(f"sqlite:///{folder / 'board.db'}")
        await self.board.__aenter__()
        chosen = np.random.default_rng(3).random(self.count)
        halves = rows.astype("<f2")
        for first in range(0, self.count, _BATCH):
            await self.board.memories.add(
                [
                    NewMemory(
                        agent=f"agent{number % AGENTS}",
                        text=words_of(number),
                        tags=tuple(t for t, share in SHARES.items() if chosen[number] < share),
                        at=_START + 60 * number,
                        signals=Signals(
                            Vectors.name, terms_blob(words_of(number)), halves[number].tobytes()
                        ),
                    )
                    for number in range(first, min(self.count, first + _BATCH))
                ]
            )
        return Memory(self.board.memories, home=folder, embedder=self.vectors)

    def _bare(self, folder: Path, rows: Any) -> Any:
        import chromadb
        from chromadb.config import Settings

        client = chromadb.PersistentClient(folder, settings=Settings(anonymized_telemetry=False))
        bare = client.create_collection(
            "bare", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        for first in range(0, self.count, 5_000):
            ids = [str(number) for number in range(first, min(self.count, first + 5_000))]
            bare.add(ids=ids, embeddings=rows[first : first + 5_000])
        return bare

    def scope(self, name: str) -> dict[str, Any]:
        """The arguments of ``recall`` for a scope."""
        said = dict(SCOPES[name])
        if "since" in said:
            said["since"] = _START + 60 * self.count * said["since"]
        return said

    def ask(self, scope: str, **more: Any) -> list[int]:
        """The ids of ten memories for the next query."""
        self._asked = (self._asked + 1) % _QUERIES
        return self.answer(self._asked, scope, **more)

    def answer(self, query: int, scope: str, **more: Any) -> list[int]:
        """The ids of ten memories for a query."""
        text = f"{self.count + query}: {words_of(query).split(': ')[1]}"
        said = {**self.scope(scope), **more}
        hits = self.runner.run(self.memory.recall(text, k=10, **said))
        return [hit.row.id for hit in hits]

    def bare(self) -> None:
        """One query of the bare Chroma, without a filter."""
        self._asked = (self._asked + 1) % _QUERIES
        self._chroma.query(query_embeddings=[self.queries[self._asked]], n_results=10)

    def share(self, scope: str, mode: str) -> float:
        """The share of the exact ten that are found, over all queries."""
        shares: list[float] = []
        for query in range(_QUERIES):
            exact = self.answer(query, scope, mode=mode, exact=True)
            found = self.answer(query, scope, mode=mode)
            shares.append(len(set(exact) & set(found)) / max(1, len(exact)))
        return sum(shares) / len(shares)


@cache
def store(*, alike: bool) -> Store:
    """The store, made once for all rows."""
    folder = tempfile.TemporaryDirectory(prefix="neveridle-bench-")
    atexit.register(folder.cleanup)
    return Store(Path(folder.name), alike=alike)  # open until the process ends


def _always(value: float) -> Sampler:
    return lambda: value


def _register(scope: str, mode: str) -> None:
    what = f"recall, {mode}, {scope}, of {ROWS:,} memories"

    @row(what, floor="bare Chroma, unfiltered", limit=3.0, rounds=31)
    def quick() -> Generator[Pair]:
        many = store(alike=True)
        yield Pair(ours=timed(lambda: many.ask(scope, mode=mode)), floor=timed(many.bare))

    @row(f"{what}: share of", floor="the exact ten", limit=0.95, compare="rate", rounds=1)
    def sure() -> Generator[Pair]:
        many = store(alike=True)
        yield Pair(ours=_always(many.share(scope, mode)), floor=_always(1.0))

    del quick, sure  # they are registered


for _mode in ("dense", "hybrid"):
    for _scope in SCOPES:
        _register(_scope, _mode)
