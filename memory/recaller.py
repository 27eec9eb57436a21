"""From a question to the memories that answer it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal

from neveridle.memory.budget import fitting
from neveridle.memory.embedding import Embedder
from neveridle.memory.hit import Hit, why_of
from neveridle.memory.library import Library
from neveridle.memory.privacy import View
from neveridle.memory.scope import Scope
from neveridle.memory.store import MemoryStore
from neveridle.memory.tidy import MAX_TEXT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Mode = Literal["hybrid", "dense", "lexical"]
MOST: Final = 1_000
"""Hits of one recall at most."""


class Recaller:
    """Answers questions from a library that follows the board."""

    def __init__(self, store: MemoryStore, embedder: Embedder, library: Library) -> None:
        self._store = store
        self._embedder = embedder
        self._library = library
        self._gate = asyncio.Lock()

    async def recall(
        self, query: str, scope: Scope, *, k: int, budget: int | None, mode: Mode
    ) -> list[Hit]:
        """See ``Memory.recall``."""
        words = query.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
        words = words.strip()[:MAX_TEXT]
        if k <= 0 or not words:
            return []
        async with self._gate:
            await self._library.refresh()
        now = await self._store.now()
        vector = await self._vector(words)
        found = self._library.search(vector, scope, now, min(k, MOST))
        rows = {
            row.id: row for row in await View(self._store, scope.agent).get([f.id for f in found])
        }
        hits = [
            Hit(rows[one.id], one.score, why_of(one.reasons), one.reasons)
            for one in found
            if one.id in rows and rows[one.id].state == "live"
        ]
        return hits if budget is None else fitting(hits, lambda hit: hit.row.text, budget)

    async def _vector(self, words: str) -> NDArray[np.float32]:
        import numpy as np

        return np.asarray((await self._embedder.embed([words]))[0], np.float32)
