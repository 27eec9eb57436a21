"""Similarities of candidates and their neighbours: whole texts, windows, tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neveridle.memory.recall.around import Around
from neveridle.memory.recall.corpus import Corpus
from neveridle.memory.recall.document import Query
from neveridle.memory.recall.half import dots
from neveridle.memory.recall.late import decode, match
from neveridle.memory.recall.weights import Weights

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Dense:
    """Cosines with the question; the mean where a row has no vector; a last entry for "no row".

    Attributes:
        rows: shape (e + 1,).
        known: whether there are vectors to compare.
    """

    rows: Values
    known: bool


def dense_signal(corpus: Corpus, query: Query, around: Around) -> Dense:
    """Dense similarity of candidates and neighbours."""
    n = len(around.slots)
    rows = np.zeros(n + 1, np.float32)
    if query.vector is None or not corpus.vectors.shape[1] or not n:
        return Dense(rows, False)
    have = corpus.columns["dense"][around.slots]
    rows[:n] = dots(corpus.vectors, query.vector, around.slots)
    mean = rows[:n][have].mean() if have.any() else np.float32(0)
    rows[:n][~have] = mean
    rows[n] = mean
    return Dense(rows, True)


@dataclass(frozen=True, slots=True)
class Late:
    """Late interaction; 0 stands for the mean, for rows without tokens too.

    Attributes:
        rows: shape (e + 1,): the question's tokens met anywhere in the row.
        chunks: shape (e + 1,): met together in the row's best passage.
        tokens: shape (q, e + 1): each token's best match less its mean; -9 for "no row".
        weights: of the question's tokens, sum 1; shape (q,).
        known: whether any row has tokens.
    """

    rows: Values
    chunks: Values
    tokens: Values
    weights: Values
    known: bool


def late_signal(corpus: Corpus, query: Query, around: Around, weights: Weights) -> Late:
    """Late interaction of candidates and neighbours; loads their token vectors."""
    n = len(around.slots)
    if query.tokens is None or not len(query.tokens) or corpus.tokens is None or not n:
        none = np.zeros(n + 1, np.float32)
        return Late(none, none, np.zeros((1, n + 1), np.float32), np.ones(1, np.float32), False)
    asked = query.tokens[:256]
    ids = corpus.columns["id"][around.slots].tolist()
    met = match(asked, decode(corpus.tokens(ids), asked.shape[1]))
    says = weights.says(asked, query.model)
    says /= says.sum()
    have = ~np.isnan(met.rows[0])
    mean = met.rows[:, have].mean(1, keepdims=True) if have.any() else np.zeros((len(asked), 1))
    tokens = np.full((len(asked), n + 1), -9, np.float32)
    tokens[:, :n] = np.where(have, met.rows - mean, 0)
    rows = np.zeros(n + 1, np.float32)
    rows[:n] = says @ tokens[:, :n]
    chunks = rows.copy()
    if len(met.owner):
        edges = np.flatnonzero(np.r_[True, met.owner[1:] != met.owner[:-1]])
        chunks[met.owner[edges]] = np.maximum.reduceat(says @ (met.chunks - mean), edges)
    return Late(rows, chunks, tokens, says, bool(have.any()))
