"""The index of words."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from neveridle.memory.recall.lexical import K1, B, LexicalIndex, idf, impact

ROWS = st.lists(st.lists(st.integers(0, 12), max_size=8), max_size=30)


def arrays(row: list[int]) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    """Distinct terms and their counts."""
    terms, counts = np.unique(np.array(row, np.uint32), return_counts=True)
    return terms.astype(np.uint32), counts.astype(np.uint16)


def built(rows: list[list[int]], cuts: list[int], asked: bool) -> LexicalIndex:
    """An index fed in portions, asked in between or not."""
    index = LexicalIndex()
    edges = sorted({0, len(rows), *(c for c in cuts if c < len(rows))})
    for first, last in itertools.pairwise(edges):
        made = [arrays(row) for row in rows[first:last]]
        index.add(range(first, last), [m[0] for m in made], [m[1] for m in made])
        if asked:
            index.postings(3)
    return index


@given(ROWS, st.lists(st.integers(0, 30), max_size=8))
def test_fed_bit_by_bit_it_is_what_it_is_at_once(rows: list[list[int]], cuts: list[int]) -> None:
    index, at_once = built(rows, cuts, asked=True), built(rows, [], asked=False)
    for term in range(14):
        for one in (index, at_once):
            slots, counts = one.postings(term)
            got = dict(zip(slots.tolist(), counts.tolist(), strict=True))
            assert len(got) == len(slots)
            assert got == {i: row.count(term) for i, row in enumerate(rows) if term in row}


@given(ROWS.filter(lambda rows: any(rows)), st.integers(0, 12))
def test_scores_are_bm25(rows: list[list[int]], term: int) -> None:
    lengths = np.array([len(row) for row in rows], np.float32)
    average = float(lengths.mean())
    slots, counts = built(rows, [5], asked=True).postings(term)
    got = idf(len(rows), len(slots)) * impact(counts, lengths[slots], average)
    df = sum(term in row for row in rows)
    values: list[float] = got.tolist()
    where: list[int] = slots.tolist()
    for slot, value in zip(where, values, strict=True):
        tf = rows[slot].count(term)
        norm = K1 * (1 - B + B * float(lengths[slot]) / average)
        wanted = math.log(1 + (len(rows) - df + 0.5) / (df + 0.5)) * tf * (K1 + 1) / (tf + norm)
        assert math.isclose(value, wanted, rel_tol=1e-4)


def test_segments_stay_few() -> None:
    index = LexicalIndex()
    for slot in range(300):
        index.add([slot], [np.array([7], np.uint32)], [np.array([1], np.uint16)])
        index.postings(7)
    # A bound that no answer shows.
    assert len(index._segments) <= 6  # pyright: ignore[reportPrivateUsage] - their number is bounded
    assert len(index.postings(7)[0]) == 300
