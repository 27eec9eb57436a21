"""The signals of a whole search, against each worked out row by row."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from neveridle.memory.recall.analysis import terms_blob, terms_of
from neveridle.memory.recall.candidates import POOL
from neveridle.memory.recall.corpus import Corpus
from neveridle.memory.recall.document import Document, Query
from neveridle.memory.recall.late import encode
from neveridle.memory.recall.lexical import K1, B
from neveridle.memory.recall.search import Judged, judge
from neveridle.memory.recall.weights import shipped

WORDS = ["river", "stone", "lamp", "garden", "ticket", "engine", "winter", "salad", "violin"]
SHARES = (1.0, 0.5, 0.25, 0.15, 0.15)
STEPS = (0, -1, 1, -2, 2)
SIZE = 24


@dataclass
class Row:
    """A row as it is known here: no part of recall has touched it."""

    text: str
    terms: list[str]
    vector: NDArray[np.float32]
    tokens: NDArray[np.float32]
    episode: int
    position: int


def units(draw: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    """Vectors of length 1, of numbers that float16 holds nearly."""
    values = draw.standard_normal(shape).astype(np.float32)
    values /= np.linalg.norm(values, axis=-1, keepdims=True)
    return values.astype(np.float16).astype(np.float32)


def told(seed: int, count: int) -> tuple[list[Row], Query]:
    """Rows in episodes of seven, and a question."""
    draw, words = np.random.default_rng(seed), random.Random(seed)
    texts = [" ".join(words.choices(WORDS, k=words.randint(1, 9))) for _ in range(count)]
    rows = [
        Row(
            text,
            terms_of(text),
            units(draw, SIZE),
            units(draw, words.randint(1, 12), SIZE),
            i // 7,
            i % 7,
        )
        for i, text in enumerate(texts)
    ]
    return rows, Query("a lamp by the river in winter", units(draw, SIZE), units(draw, 5, SIZE))


def judged(rows: list[Row], query: Query) -> Judged:
    """The same, by recall."""
    corpus = Corpus(lambda ids: [encode(rows[i].tokens) for i in ids])
    corpus.put(
        Document(i, terms_blob(r.text, 0.0), r.vector, episode=r.episode, position=r.position)
        for i, r in enumerate(rows)
    )
    return judge(corpus, query)


def beside(rows: list[Row], i: int, step: int) -> int | None:
    """The row so many steps on in the same episode."""
    other = i + step
    same = 0 <= other < len(rows) and rows[other].episode == rows[i].episode
    return other if same else None


def around(rows: list[Row], i: int) -> list[tuple[int, float]]:
    """The row and those beside it, with what each counts for in ``lex_near``."""
    found = [(beside(rows, i, step), share) for step, share in zip(STEPS, SHARES, strict=True)]
    return [(other, share) for other, share in found if other is not None]


def bm25(rows: list[Row], query: Query, parts: list[tuple[int, float]], average: float) -> float:
    """BM25 of some rows, of shares of them, read as one text."""
    total = 0.0
    length = sum(share * len(rows[i].terms) for i, share in parts)
    for term in set(terms_of(query.text)):
        df = sum(term in row.terms for row in rows)
        tf = sum(share * rows[i].terms.count(term) for i, share in parts)
        norm = K1 * (1 - B + B * length / average)
        total += math.log(1 + (len(rows) - df + 0.5) / (df + 0.5)) * tf * (K1 + 1) / (tf + norm)
    return total


def scaled(values: Sequence[float], least: float) -> NDArray[np.float64]:
    """Distances from the mean in standard deviations."""
    a = np.array(values)
    return np.asarray((a - a.mean()) / max(a.std(), least))


@pytest.mark.parametrize("seed", range(3))
def test_words_vectors_and_tokens_are_those_worked_out_row_by_row(seed: int) -> None:
    rows, query = told(seed, 60)
    got = judged(rows, query)
    assert got.found.slots.tolist() == list(range(60))
    assert got.signals == "tokens"
    mean = sum(len(row.terms) for row in rows) / 60
    turn = [bm25(rows, query, [(i, 1.0)], mean) for i in range(60)]
    near = [bm25(rows, query, around(rows, i), mean * sum(SHARES)) for i in range(60)]
    np.testing.assert_allclose(got.found.lexical, turn, rtol=1e-4)
    np.testing.assert_allclose(got.features["lex_turn"], np.array(turn) / max(turn), rtol=1e-4)
    np.testing.assert_allclose(got.features["lex_near"], np.array(near) / max(near), rtol=1e-4)
    assert query.vector is not None
    assert query.tokens is not None
    cosines = [float(row.vector @ query.vector) for row in rows]
    np.testing.assert_allclose(got.features["dense"], scaled(cosines, 0.03), atol=1e-3)

    says = shipped().says(query.tokens, query.model)
    says /= says.sum()
    met = np.array(
        [
            [max(float(t @ np.where(s > 0, 1, -1)) for s in row.tokens) for row in rows]
            for t in query.tokens / math.sqrt(SIZE)
        ]
    )
    met -= met.mean(1, keepdims=True)
    np.testing.assert_allclose(got.features["late"], scaled(list(says @ met), 0.02), atol=1e-3)
    less = {0: 0.0, -1: 0.05, 1: 0.1, -2: 0.1, 2: 0.15}
    wide: list[float] = [
        sum(
            w * max(met[q, o] - less[o - i] for o, _ in around(rows, i)) for q, w in enumerate(says)
        )
        for i in range(60)
    ]
    np.testing.assert_allclose(got.features["late_wide"], scaled(wide, 0.02), atol=1e-3)


@pytest.mark.parametrize("seed", range(2))
def test_of_more_rows_those_come_that_words_or_vector_speak_for(seed: int) -> None:
    rows, query = told(seed, 2 * POOL)
    got = judged(rows, query)
    assert query.vector is not None
    mean = sum(len(row.terms) for row in rows) / len(rows)
    turn = [bm25(rows, query, [(i, 1.0)], mean) for i in range(len(rows))]
    lent = (1.0, 0.25, 0.5, 0.15, 0.15)  # what the row itself, and those beside it, lend to a row
    said: list[float] = [
        sum(
            turn[other] * share
            for step, share in zip((0, 1, -1, 2, -2), lent, strict=True)
            if (other := beside(rows, i, step)) is not None
        )
        for i in range(len(rows))
    ]
    cosines = [float(row.vector @ query.vector) for row in rows]
    by_words = sorted(range(len(rows)), key=lambda i: -said[i])[:256]
    by_vector = sorted(range(len(rows)), key=lambda i: -cosines[i])[:256]
    union = sorted({i for i in by_words if said[i] > 0} | set(by_vector))
    a, b = scaled([cosines[i] for i in union], 0.03), scaled([said[i] for i in union], 0.1)
    merit = np.maximum(a, b) + (a + b) / 2
    least = float(np.sort(merit)[-POOL])
    slots = set(got.found.slots.tolist())
    assert len(slots) == POOL
    # What stands within a rounding of the edge may be on either side of it.
    assert {i for i, m in zip(union, merit, strict=True) if m > least + 1e-3} <= slots
    assert slots <= {i for i, m in zip(union, merit, strict=True) if m > least - 1e-3}


def test_a_row_that_was_dropped_is_beside_none_any_more() -> None:
    texts = ["Where is the lamp?", "In the garden.", "It fell in winter."]

    def put(*kept: int) -> Corpus:
        corpus = Corpus()
        corpus.put(
            Document(i, terms_blob(texts[i], 0.0), episode="x", position=i, author="Ann")
            for i in kept
        )
        return corpus

    corpus = put(0, 1, 2)
    corpus.drop([0, 2])
    for other in (put(1), corpus):
        assert other.columns["before"][other.slot_of[1]] == -1
        assert other.columns["after"][other.slot_of[1]] == -1
    got, plain = (judge(c, Query("garden lamp")).features for c in (corpus, put(1)))
    assert {n: v.tolist() for n, v in got.items()} == {n: v.tolist() for n, v in plain.items()}


def test_what_is_asked_outside_the_scope_does_not_show() -> None:
    rows = [
        Document(1, terms_blob("Where is the lamp?", 0.0), agent="eve", episode="x", position=0),
        Document(2, terms_blob("In the garden.", 0.0), agent="sam", episode="x", position=1),
    ]
    corpus = Corpus()
    corpus.put(rows)
    inside = judge(corpus, Query("garden"), mask=corpus.scope(agent="sam")).features
    assert inside["answers"].tolist() == [0]
    assert inside["first"].tolist() == [1]
    assert judge(corpus, Query("garden")).features["answers"].tolist() == [0, 1]
