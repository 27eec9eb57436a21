"""From a question to the memories that answer it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from neveridle.memory.budget import fitting
from neveridle.memory.embedding import Embedder, encode
from neveridle.memory.hit import Hit, why_of
from neveridle.memory.library import Library, Shelf
from neveridle.memory.privacy import View
from neveridle.memory.scope import Scope
from neveridle.memory.store import MemoryStore
from neveridle.memory.tidy import MAX_TEXT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from neveridle.memory.recall.document import Query, Scored

Mode = Literal["hybrid", "dense", "lexical"]
MODES: Final[tuple[Mode, ...]] = ("hybrid", "dense", "lexical")
MOST: Final = 1_000
"""Hits of one recall at most."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A question on its way.

    Attributes:
        query: as the core takes it.
        mode: which signals are asked.
        exact: whether all vectors are compared.
        now: the board's time.
    """

    query: Query
    mode: Mode
    exact: bool
    now: float


class Recaller:
    """Answers questions from a library that follows the board."""

    def __init__(self, store: MemoryStore, embedder: Embedder, library: Library) -> None:
        self._store = store
        self._embedder = embedder
        self._library = library

    async def recall(
        self, query: str, scope: Scope, *, k: int, budget: int | None, mode: Mode, exact: bool
    ) -> list[Hit]:
        """See ``Memory.recall``."""
        words = tidy_query(query)
        if k <= 0 or not words:
            return []
        if "soul" not in scope.layers and not await self._store.revision():
            return []  # nothing was ever remembered: no model is loaded for that
        asking = await self.asking(words, mode=mode, exact=exact)
        found = await self._library.search(
            scope, asking.now, lambda shelf: best(shelf, asking, min(k, MOST)),
            souls="soul" in scope.layers,
        )  # fmt: skip
        seen = await View(self._library, scope.agent).get([one.id for one in found])
        rows = {row.id: row for row in seen if row.state == "live"}
        hits = [
            Hit(rows[one.id], one.score, why_of(one.why), one.why)
            for one in found
            if one.id in rows
        ]
        return hits if budget is None else fitting(hits, lambda hit: hit.row.text, budget)

    async def asking(self, words: str, *, mode: Mode, exact: bool = False) -> Asking:
        """A question with its vectors, asked now."""
        from neveridle.memory.recall.document import Query

        now = await self._store.now()
        query = Query(words, at=now)
        if mode != "lexical":
            (made,) = await encode(self._embedder, [words])
            query = replace(query, vector=made.dense, tokens=made.tokens)
        return Asking(query, mode, exact, now)


def tidy_query(query: str) -> str:
    """A question as it can be analysed: no NULs and halves of characters, not without end."""
    words = query.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    return words.strip()[:MAX_TEXT]


def best(shelf: Shelf, asking: Asking, k: int) -> list[Scored]:
    """The ``k`` best rows of a shelf, best first."""
    from neveridle.memory.recall.document import Scored
    from neveridle.memory.recall.search import search

    if not shelf.mask.any():
        return []
    if asking.mode == "dense":
        ids, cosines = nearest(shelf, asking.query, k)
        return [
            Scored(int(row), max(0.0, float(cosine)), {"dense_rank": rank, "cosine": float(cosine)})
            for rank, (row, cosine) in enumerate(zip(ids, cosines, strict=True), start=1)
        ]
    dense = nearest(shelf, asking.query, max(k, 200)) if asking.exact else None
    return search(shelf.corpus, asking.query, k=k, mask=shelf.mask, dense=dense)


def nearest(shelf: Shelf, query: Query, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The ``k`` closest rows of a shelf and their cosines, all of them compared."""
    import numpy as np

    corpus = shelf.corpus
    slots = np.flatnonzero(shelf.mask & corpus.columns["dense"])
    if query.vector is None or not len(slots):
        return np.empty(0, np.int64), np.empty(0, np.float32)
    cosines = corpus.vectors[slots].astype(np.float32) @ query.vector
    order = np.lexsort((-slots, -cosines))[:k]
    return corpus.columns["id"][slots[order]], cosines[order]
