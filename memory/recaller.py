"""From a question to the memories that answer it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neveridle.memory.budget import fitting
from neveridle.memory.embedding import Embedder, encode
from neveridle.memory.hit import Hit, why_of
from neveridle.memory.library import Library, Mode
from neveridle.memory.privacy import View
from neveridle.memory.scope import Scope
from neveridle.memory.store import MemoryStore
from neveridle.memory.tidy import MAX_TEXT

if TYPE_CHECKING:
    from neveridle.memory.recall.document import Query

MOST: Final = 1_000
"""Hits of one recall at most."""


class Recaller:
    """Answers questions from a library that follows the board."""

    def __init__(self, store: MemoryStore, embedder: Embedder, library: Library) -> None:
        self._store = store
        self._embedder = embedder
        self._library = library

    async def recall(
        self,
        query: str,
        scope: Scope,
        *,
        k: int,
        budget: int | None,
        mode: Mode,
        exact: bool = False,
    ) -> list[Hit]:
        """See ``Memory.recall``."""
        words = query.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
        words = words.strip()[:MAX_TEXT]
        if k <= 0 or not words or not await self._store.revision():
            return []
        asked = await self._asked(words, mode)
        await self._library.refresh()
        found = await self._library.search(asked, scope, k=min(k, MOST), mode=mode, exact=exact)
        rows = {
            row.id: row for row in await View(self._store, scope.agent).get([f.id for f in found])
        }
        hits = [
            Hit(rows[one.id], one.score, why_of(one.reasons), one.reasons)
            for one in found
            if one.id in rows and rows[one.id].state == "live"
        ]
        return hits if budget is None else fitting(hits, lambda hit: hit.row.text, budget)

    async def _asked(self, words: str, mode: Mode) -> Query:
        from neveridle.memory.recall.document import Query

        now = await self._store.now()
        if mode == "lexical":
            return Query(words, at=now)
        seen = (await encode(self._embedder, [words]))[0]
        return Query(words, seen.dense, seen.tokens, now, self._embedder.name)
