"""The first stage: some hundred rows that may answer, by words, vector, neighbourhood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neveridle.memory.recall.asked import MAX_TERMS, Asked
from neveridle.memory.recall.corpus import Corpus, Mask
from neveridle.memory.recall.half import dots
from neveridle.memory.recall.lexical import idf, impact
from neveridle.memory.recall.scales import standard
from neveridle.memory.recall.signs import sign_words

POOL = 256
"""Rows that reach the second stage at most; a scope of no more is ranked whole."""

_EACH = 256  # taken from words, and as many from vectors
_SPREAD = ((1, 0.5), (-1, 0.25), (2, 0.15), (-2, 0.15))  # what a hit lends to the rows beside it
_EXACT = 4_096  # vectors compared one by one; of more, the nearest by sign bits only
_CLOSE = 768

Slots = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates, and what was learnt on the way.

    Attributes:
        slots: shape (p,), ascending.
        lexical: BM25 of the row by itself in this scope; shape (p,).
        idf: of each of the question's terms in this scope; shape (t,).
        terms: the terms used; shape (t,).
        counts: their counts in the question; shape (t,).
        postings: slots and counts of each term.
        average: mean length of the scope's rows, in terms.
        dense_rank, lexical_rank: slot → rank from 1, for those found that way.
        led: slot → the slot beside it that led to it.
    """

    slots: Slots
    lexical: NDArray[np.float32]
    idf: NDArray[np.float32]
    terms: NDArray[np.uint32]
    counts: NDArray[np.float32]
    postings: list[tuple[NDArray[np.int32], NDArray[np.float32]]]
    average: float
    dense_rank: dict[int, int]
    lexical_rank: dict[int, int]
    led: dict[int, int]


def find(
    corpus: Corpus,
    asked: Asked,
    vector: NDArray[np.float32] | None,
    mask: Mask,
    dense: tuple[NDArray[np.int64], NDArray[np.float32]] | None,
) -> Found:
    """The candidates of a scope, at most ``POOL`` of them."""
    scope = np.flatnonzero(mask)
    average = float(corpus.columns["length"][scope].mean()) if len(scope) else 0.0
    scores, idfs, terms, counts, postings = _lexical(corpus, asked, mask, len(scope), average)
    spread, led = _spread(corpus, scores, mask)
    if dense is not None:
        slots = [corpus.slot_of.get(row, -1) for row in dense[0][:_EACH].tolist()]
        by_vector = np.array([s for s in slots if s >= 0 and mask[s]], np.int64)[:_EACH]
    else:
        by_vector = _nearest(corpus, vector, scope)
    own = _top(scores, _EACH)
    if len(scope) <= POOL:
        pool = scope
    else:
        pool = np.union1d(_top(spread, _EACH), by_vector)
        pool = pool[_merit(corpus, vector, pool, spread[pool], by_vector)[:POOL]]
        pool.sort()
    return Found(
        slots=pool,
        lexical=scores[pool],
        idf=idfs,
        terms=terms,
        counts=counts,
        postings=postings,
        average=average,
        dense_rank={int(s): i + 1 for i, s in enumerate(by_vector)},
        lexical_rank={int(s): i + 1 for i, s in enumerate(own)},
        led=led,
    )


Postings = list[tuple[NDArray[np.int32], NDArray[np.float32]]]
Floats = NDArray[np.float32]


def _lexical(
    corpus: Corpus, asked: Asked, mask: Mask, n: int, average: float
) -> tuple[Floats, Floats, NDArray[np.uint32], Floats, Postings]:
    lengths = corpus.columns["length"]
    scores = np.zeros(len(lengths), np.float32)
    every = n == len(mask)
    kept: list[tuple[float, int, float, NDArray[np.int32], NDArray[np.float32]]] = []
    for term, count in zip(asked.terms.tolist(), asked.counts.tolist(), strict=True):
        slots, counts = corpus.index.postings(term)
        if not every and len(slots):
            inside = mask[slots]
            slots, counts = slots[inside], counts[inside]
        kept.append((idf(n, len(slots)), term, count, slots, counts))
    kept.sort(key=lambda one: (-one[0], one[1]))
    kept = kept[:MAX_TERMS]
    for weight, _, count, slots, counts in kept:
        if len(slots):
            scores[slots] += weight * count * impact(counts, lengths[slots], average)
    return (
        scores,
        np.array([one[0] for one in kept], np.float32),
        np.array([one[1] for one in kept], np.uint32),
        np.array([one[2] for one in kept], np.float32),
        [(one[3], one[4]) for one in kept],
    )


def _spread(
    corpus: Corpus, scores: NDArray[np.float32], mask: Mask
) -> tuple[NDArray[np.float32], dict[int, int]]:
    """What the best rows lend to those beside them; which row led to which."""
    out = scores.copy()
    led: dict[int, int] = {}
    best = _top(scores, 2 * _EACH)
    for step, share in _SPREAD:
        slots, sources = best, best
        for _ in range(abs(step)):
            slots = corpus.columns["after" if step > 0 else "before"][slots]
            slots, sources = slots[slots >= 0], sources[slots >= 0]
        inside = mask[slots]
        slots, sources = slots[inside], sources[inside]
        out[slots] += np.float32(share) * scores[sources]  # no slot twice: each has one neighbour
        led |= {int(s): int(b) for s, b in zip(slots, sources, strict=True) if not scores[s]}
    return out, led


def _top(scores: NDArray[np.float32], count: int) -> Slots:
    """The slots of the best scores above 0, best first, the newer slot first among equals."""
    some = np.flatnonzero(scores > 0)  # of truth values: ten times as fast as of numbers
    if len(some) > count:
        values = scores[some]
        least = np.partition(values, len(values) - count)[len(values) - count]
        some = some[values >= least]
    return some[np.lexsort((-some, -scores[some]))][:count]


def _merit(
    corpus: Corpus,
    vector: NDArray[np.float32] | None,
    pool: Slots,
    spread: NDArray[np.float32],
    by_vector: Slots,
) -> NDArray[np.int64]:
    """Places in the pool, those that words or vector speak for first, best of all both."""
    if vector is not None and corpus.vectors.shape[1]:
        likeness = dots(corpus.vectors, vector, pool)
    else:
        likeness = np.isin(pool, by_vector).astype(np.float32)
    near, said = standard(likeness, 0.03), standard(spread, 0.1)
    # The better of the two counts for more: what only one of them finds may answer as well.
    total = np.maximum(near, said) + (near + said) / 2
    return np.lexsort((-pool, -total))


def _nearest(corpus: Corpus, vector: NDArray[np.float32] | None, scope: Slots) -> Slots:
    if vector is None or not corpus.vectors.shape[1]:
        return np.empty(0, np.int64)
    scope = scope[corpus.columns["dense"][scope]]
    if len(scope) > _EXACT:
        away = np.bitwise_count(corpus.signs[scope] ^ sign_words(vector[None])[0]).sum(
            1, dtype=np.uint16
        )
        scope = scope[np.argpartition(away, _CLOSE)[:_CLOSE]]
    scores = dots(corpus.vectors, vector, scope)
    return scope[np.lexsort((-scope, -scores))][:_EACH]
