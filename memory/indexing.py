"""The dense index of a team, as its settings say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neveridle.board.memory_row import MemoryRow, Signals
from neveridle.memory.embedding import Embedder, model_of
from neveridle.memory.index.dense import DenseIndex
from neveridle.memory.index.feeder import Feeder
from neveridle.memory.index.filling import Sign
from neveridle.memory.index.leadership import ByLease, ByLock, board_of
from neveridle.memory.index.owner import OwnerLock
from neveridle.memory.signals import signals_of_rows
from neveridle.memory.store import MemoryStore


def feeder_of(store: MemoryStore, *, home: Path, embedder: Embedder, server: str = "") -> Feeder:
    """What feeds the index of a team; nothing is opened yet.

    Args:
        store: the rows.
        home: the team's folder; an embedded index lies in ``<home>/memory``.
        embedder: makes vectors for rows that have none, and says which model's they are.
        server: the URL of a Chroma server; empty: it is embedded.
    """

    async def make() -> tuple[DenseIndex, str]:
        model, board = await model_of(embedder), await board_of(store)
        if server:
            from neveridle.memory.index.server import ServedChroma

            return ServedChroma(server, model=model, board=board), model
        from neveridle.memory.index.embedded import EmbeddedChroma

        return EmbeddedChroma(home / "memory", model=model, board=board), model

    return Feeder(
        store,
        make=make,
        leadership=ByLease(store) if server else ByLock(OwnerLock(home / "memory.lock")),
        sign=signer(embedder),
        shared=bool(server),
    )


def signer(embedder: Embedder) -> Sign:
    """Makes the signals of rows with an embedder."""

    async def sign(rows: Sequence[MemoryRow]) -> list[Signals]:
        return await signals_of_rows(embedder, rows)

    return sign
