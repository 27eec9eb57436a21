"""From a question to the memories that answer it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from neveridle.board.memory_row import MemoryRow
from neveridle.memory.budget import fitting
from neveridle.memory.embedding import Embedder, encode
from neveridle.memory.hit import Hit, why_of
from neveridle.memory.library import Found, Library, Mode
from neveridle.memory.privacy import View, sees
from neveridle.memory.scope import Scope
from neveridle.memory.souls import Souls
from neveridle.memory.store import MemoryStore
from neveridle.memory.tidy import MAX_TEXT

if TYPE_CHECKING:
    from neveridle.memory.recall.document import Query

MOST: Final = 1_000
"""Hits of one recall at most."""


def tidy_query(query: str) -> str:
    """A question as it can be analysed: no NULs and halves of characters, not without end."""
    words = query.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    return words.strip()[:MAX_TEXT]


class Recaller:
    """Answers questions from a library that follows the board."""

    def __init__(
        self, store: MemoryStore, embedder: Embedder, library: Library, souls: Souls
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._library = library
        self._souls = souls

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
        words, souls = tidy_query(query), "soul" in scope.layers
        if k <= 0 or not words or not (souls or await self._store.revision()):
            return []  # no model is loaded where nothing was ever remembered
        asked = await self.asked(words, mode)
        await self._library.refresh()
        k = min(k, MOST)
        found = list(await self._library.search(asked, scope, k=k, mode=mode, exact=exact))
        if souls:
            found += await self._souls.search(asked, scope, k=k, mode=mode)
            found = sorted(found, key=lambda one: -one.score)[:k]
        rows = await self._rows(found, scope)
        hits = [
            Hit(rows[one.id], one.score, why_of(one.reasons), one.reasons)
            for one in found
            if one.id in rows
        ]
        return hits if budget is None else fitting(hits, lambda hit: hit.row.text, budget)

    async def _rows(self, found: Sequence[Found], scope: Scope) -> dict[int, MemoryRow]:
        """What may be shown of it, by id."""
        stored = [one.id for one in found if one.id > 0]
        rows = {
            row.id: row
            for row in await View(self._store, scope.agent).get(stored)
            if row.state == "live"
        }
        for one in found:
            soul = self._souls.get(one.id)
            if soul is not None and sees(scope.agent, soul):
                rows[one.id] = soul
        return rows

    async def asked(self, words: str, mode: Mode) -> Query:
        """A question with its vectors, asked now."""
        from neveridle.memory.recall.document import Query

        now = await self._store.now()
        if mode == "lexical":
            return Query(words, at=now)
        seen = (await encode(self._embedder, [words]))[0]
        return Query(words, seen.dense, seen.tokens, now, self._embedder.name)
