"""Candidates, their features, one score each, the best of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neveridle.memory.recall.alike import without_repeats
from neveridle.memory.recall.around import look_around
from neveridle.memory.recall.asked import take_apart
from neveridle.memory.recall.candidates import Found, find
from neveridle.memory.recall.corpus import Corpus, Mask
from neveridle.memory.recall.document import Query, Scored
from neveridle.memory.recall.features import features
from neveridle.memory.recall.priors import priors
from neveridle.memory.recall.signals import dense_signal, late_signal
from neveridle.memory.recall.weights import Signals, Weights, shipped

Candidates = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Row ids and their cosines from a vector index, best first."""

USUAL = 3.0
"""The logarithm of 20 terms and one: the mean length of a row at which ``lengths`` say nothing."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Candidates with all that is known about them.

    Attributes:
        found: the candidates.
        features: each of shape (p,).
        length: the logarithm of the scope's mean length, less ``USUAL``.
        signals: what there was to compare.
    """

    found: Found
    features: dict[str, NDArray[np.float32]]
    length: float
    signals: Signals


def judge(
    corpus: Corpus,
    query: Query,
    *,
    mask: Mask | None = None,
    dense: Candidates | None = None,
    weights: Weights | None = None,
) -> Judged:
    """The candidates for a question and their features, unweighted."""
    mask = corpus.columns["alive"] if mask is None else mask & corpus.columns["alive"]
    asked = take_apart(query)
    found = find(corpus, asked, query.vector, mask, dense)
    if not len(found.slots):
        return Judged(found, {}, 0.0, "words")
    around = look_around(corpus, found, mask)
    late = late_signal(corpus, query, around, weights or shipped())
    likeness = dense_signal(corpus, query, around)
    numbers = features(corpus, asked, found, around, likeness, late)
    length = float(np.log1p(found.average)) - USUAL
    signals: Signals = "words"
    if late.known:
        signals = "tokens"
    elif likeness.known:
        signals = "vectors"
    return Judged(found, numbers, length, signals)


def search(
    corpus: Corpus,
    query: Query,
    *,
    k: int = 10,
    mask: Mask | None = None,
    dense: Candidates | None = None,
    weights: Weights | None = None,
) -> list[Scored]:
    """The rows that answer a question best, best first, at most ``k``; repetitions once.

    Args:
        corpus: the rows.
        query: the question.
        k: how many at most.
        mask: ``corpus.scope(…)``. None: all rows.
        dense: what a vector index found in that scope. None: the corpus's own vectors are searched.
        weights: other than the shipped ones.
    """
    if k < 1 or not len(corpus):
        return []
    learnt = weights or shipped()
    judged = judge(corpus, query, mask=mask, dense=dense, weights=learnt)
    found = judged.found
    if not len(found.slots):
        return []
    chance = learnt.fusions[judged.signals].chance(judged.features, judged.length)
    factors = priors(corpus, query, found.slots)
    final = chance * np.prod(list(factors.values()), axis=0)
    order = np.lexsort((-corpus.columns["id"][found.slots], -final))
    place = {int(found.slots[i]): i for i in order.tolist()}
    best = without_repeats(corpus, place, k)
    return [_scored(corpus, judged, factors, place[s], float(final[place[s]])) for s in best]


def _scored(
    corpus: Corpus, judged: Judged, factors: dict[str, NDArray[np.float32]], i: int, score: float
) -> Scored:
    found = judged.found
    slot = int(found.slots[i])
    why: dict[str, float] = {name: round(float(f[i]), 4) for name, f in factors.items()}
    for name, ranks in (("dense_rank", found.dense_rank), ("lexical_rank", found.lexical_rank)):
        if slot in ranks:
            why[name] = ranks[slot]
    if judged.signals == "tokens":
        values = judged.features["late"]
        why["late_rank"] = 1 + int((values > values[i]).sum())
    if slot in found.led:
        why["neighbour"] = int(corpus.columns["id"][found.led[slot]])
    return Scored(int(corpus.columns["id"][slot]), shown(score), why)


def shown(chance: float) -> float:
    """A chance as people read a score: in the same order, spread over 0 to 1.

    The chance is that of one row among hundreds: a plain answer has 0.01, nothing at all 0.0001.
    Half way between them stands 0.5.
    """
    chance = min(max(chance, 1e-9), 1 - 1e-9)
    odds = math.log(chance / (1 - chance))
    return round(1 / (1 + math.exp(-(odds + 6.9) / 1.5)), 6)
