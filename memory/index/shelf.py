"""The columns that this process recalls from, fed by the board's changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from neveridle.board.memory_row import Change, MemoryRow
from neveridle.memory.index.layers import Layers
from neveridle.memory.index.one_thread import one_thread
from neveridle.memory.index.scan import CodeScan, best, top
from neveridle.memory.index.token_cache import Read, TokenCache
from neveridle.memory.recall.analysis import terms_blob
from neveridle.memory.recall.corpus import Corpus
from neveridle.memory.recall.document import Document, Query, Scored
from neveridle.memory.recall.half import Floats, Slots
from neveridle.memory.recall.search import search
from neveridle.memory.scope import WORKING

if TYPE_CHECKING:
    from neveridle.memory.scope import Scope

INDEX_ROWS = 300_000
"""Beyond so many rows the dense index is asked where a scope is broad; up to there the scan of
codes is quicker and misses less. See docs/design/memory.md."""
_BROAD: Final = 0.25  # share of all rows from which on a scope is broad
_CANDIDATES: Final = 256  # nearest rows given to the ranking
_SURE: Final = 12  # of which so many are to be the nearest indeed: more than are shown
_SPARSE: Final = 20_000  # slots of rows that are gone, besides as many as there are rows
_NO_TERMS: Final = terms_blob("")

Outside = tuple[NDArray[np.int64], NDArray[np.float32], int]
"""Row ids and cosines from an index, and the revision that it is at."""


class Shelf:
    """A corpus, a scan over its vectors, and what the two do not know. Belongs to one thread.

    Args:
        model: whose vectors are compared; a row with another's is found by words alone.
        tokens: reads token vectors by id.
        short_days, short_tasks: see ``Layers``.
    """

    def __init__(self, model: str, tokens: Read, *, short_days: float, short_tasks: int) -> None:
        self._model = model
        self._tokens = TokenCache(tokens)
        self._corpus = Corpus(self._tokens)
        self._scan = CodeScan()
        self._layers = Layers(short_days, short_tasks)
        self._unlike: set[int] = set()
        self._revisions: NDArray[np.int64] = np.zeros(16, np.int64)

    def follow(self, changes: Sequence[Change]) -> None:
        """Take changes in: what can be recalled comes, the rest goes."""
        gone = [c.row.id for c in changes if c.row.state != "live"]
        self._corpus.drop(gone)
        self._tokens.forget([c.row.id for c in changes])
        self._unlike.difference_update(gone)
        stay = [c for c in changes if c.row.state == "live"]
        self._corpus.put([self._document(c) for c in stay])
        slots = len(self._corpus.columns)
        if slots > len(self._revisions):
            grown = np.zeros(max(slots, 2 * len(self._revisions)), np.int64)
            grown[: len(self._revisions)] = self._revisions
            self._revisions = grown
        for change in stay:
            row, slot = change.row, self._corpus.slot_of[change.row.id]
            self._revisions[slot] = row.revision
            self._layers.put(slot, row.id, row.agent, row.task)

    @property
    def sparse(self) -> bool:
        """Whether more slots are of rows that are gone than not."""
        there = len(self._corpus)
        return len(self._corpus.columns) - there > there + _SPARSE

    @property
    def facts(self) -> Mapping[str, int]:
        """See ``Library.facts``; the bytes are those of the arrays, about."""
        corpus = self._corpus
        arrays = corpus.vectors.nbytes + corpus.signs.nbytes + self._scan.nbytes
        terms = sum(t.nbytes for t in corpus.documents_terms) * 3  # with counts and postings
        held = arrays + terms + 100 * len(corpus.columns) + self._tokens.nbytes
        return {"rows": len(corpus), "unlike": len(self._unlike), "bytes": held}

    def layer_of(self, row: MemoryRow, now: float) -> str:
        """The layer a row is in at a time."""
        working = row.kind == WORKING
        return self._layers.of(working=working, at=row.at, agent=row.agent, task=row.task, now=now)

    def mask(self, scope: Scope, now: float) -> NDArray[np.bool_]:
        """Which slots are in a scope, shape (slots,)."""
        corpus = self._corpus
        found = corpus.scope(
            agent=scope.agent,
            tags=scope.tags or None,
            kinds=scope.kinds or None,
            since=scope.since,
        )
        working = corpus.names["kind"].of.get(WORKING, -2)
        agents = corpus.names["agent"].of
        layers = self._layers.mask(corpus.columns, scope.layers, now, agents, working)
        return found if layers is None else found & layers

    def asks_index(self, scope: Scope, now: float) -> int:
        """How many of the nearest rows to ask the dense index for; 0: it is not asked."""
        there = len(self._corpus)
        if there <= INDEX_ROWS:
            return 0
        inside = int(np.count_nonzero(self.mask(scope, now)))
        if inside < _BROAD * there:
            return 0
        return int(min(4 * _CANDIDATES, 1.5 * _CANDIDATES * there / inside))

    def search(
        self,
        query: Query,
        scope: Scope,
        *,
        k: int,
        mode: str = "hybrid",
        exact: bool = False,
        outside: Outside | None = None,
    ) -> list[Scored]:
        """See ``Library.search``; ``outside`` is what the dense index found among all rows."""
        with one_thread():
            return self._searched(query, scope, k=k, mode=mode, exact=exact, outside=outside)

    def _searched(
        self,
        query: Query,
        scope: Scope,
        *,
        k: int,
        mode: str,
        exact: bool,
        outside: Outside | None,
    ) -> list[Scored]:
        corpus = self._corpus
        mask = self.mask(scope, query.at or 0.0)
        if not mask.any():
            return []
        if query.vector is None:
            none = np.empty(0, np.int64), np.empty(0, np.float32)
            return [] if mode == "dense" else search(corpus, query, k=k, mask=mask, dense=none)
        slots, cosines = self._nearest(query.vector, k, mask, exact=exact, outside=outside)
        ids = corpus.columns["id"][slots]
        if mode != "dense":
            return search(corpus, query, k=k, mask=mask, dense=(ids, cosines))
        return [
            Scored(row, min(1.0, max(0.0, cosine)), {"dense_rank": rank, "cosine": cosine})
            for rank, (row, cosine) in enumerate(
                zip(ids[:k].tolist(), cosines[:k].tolist(), strict=True), start=1
            )
        ]

    def _nearest(
        self,
        vector: Floats,
        k: int,
        mask: NDArray[np.bool_],
        *,
        exact: bool,
        outside: Outside | None,
    ) -> tuple[Slots, Floats]:
        vectors = self._corpus.vectors
        if not vectors.shape[1]:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        mask = mask & self._corpus.columns["dense"]
        n = max(k, _CANDIDATES)
        if exact:
            return best(np.flatnonzero(mask), vectors, vector, n)
        if outside is not None:
            return self._with_later(vector, n, mask, outside)
        return self._scan.nearest(vectors, vector, n, mask, sure=max(k, _SURE))

    def _with_later(
        self, vector: Floats, n: int, mask: NDArray[np.bool_], outside: Outside
    ) -> tuple[Slots, Floats]:
        """What the index found, of this scope, and what has changed since, compared exactly."""
        ids, _, revision = outside
        later = mask & (self._revisions[: len(mask)] > revision)
        slot_of = self._corpus.slot_of
        known = np.array([slot_of[row] for row in ids.tolist() if row in slot_of], np.int64)
        known = known[mask[known] & ~later[known]] if len(known) else known
        slots = np.concatenate((known, np.flatnonzero(later)))
        found, cosines = best(slots, self._corpus.vectors, vector, n)
        return top(found, cosines, n)

    def _document(self, change: Change) -> Document:
        row, signals = change.row, change.signals
        vector: Any = None  # float16: it is widened when it is put
        if signals.model == self._model and signals.dense:
            vector = np.frombuffer(signals.dense, "<f2")
        if vector is None:
            self._unlike.add(row.id)
        else:
            self._unlike.discard(row.id)
        return Document(
            id=row.id,
            terms=signals.terms or _NO_TERMS,
            vector=vector,
            agent=row.agent,
            visibility=row.visibility,
            kind=row.kind,
            layer="working" if row.kind == WORKING else "long",
            tags=row.tags,
            at=row.at,
            importance=row.importance,
            trusted=row.trusted,
            episode=row.episode,
            position=row.position or 0,
            author=row.author,
        )
