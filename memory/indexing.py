"""Which dense index a memory has, and who feeds it."""

from __future__ import annotations

from pathlib import Path

from neveridle.memory.embedding import Embedder, model_of
from neveridle.memory.index.dense import DenseIndex
from neveridle.memory.index.feeder import Feeder
from neveridle.memory.index.filling import Sign
from neveridle.memory.index.leadership import ByLease, ByLock, board_of
from neveridle.memory.index.owner import OwnerLock
from neveridle.memory.store import MemoryStore


def feeder_of(
    store: MemoryStore, *, home: Path, embedder: Embedder, server: str, sign: Sign
) -> Feeder:
    """The feeder of the team's index.

    Args:
        store: the rows.
        home: the team's folder; an embedded index lies in ``<home>/memory``.
        embedder: makes the vectors.
        server: the URL of a Chroma server; empty: the index is embedded.
        sign: makes signals of rows that have none.
    """

    async def embedded() -> tuple[DenseIndex, str]:
        from neveridle.memory.index.embedded import EmbeddedChroma

        model = await model_of(embedder)
        return EmbeddedChroma(home / "memory", model=model, board=await board_of(store)), model

    async def served() -> tuple[DenseIndex, str]:
        from neveridle.memory.index.server import ServedChroma

        model = await model_of(embedder)
        return ServedChroma(server, model=model, board=await board_of(store)), model

    if server:
        return Feeder(store, make=served, leadership=ByLease(store), sign=sign, shared=True)
    lock = ByLock(OwnerLock(home / "memory.lock"))
    return Feeder(store, make=embedded, leadership=lock, sign=sign)
