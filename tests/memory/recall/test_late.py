"""Token vectors as bits, and how well a question's tokens are met."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.memory.recall.late import CHUNK, MAX_BYTES, decode, encode, match


def some(t: int, d: int = 20, seed: int = 0) -> np.ndarray:
    """Token vectors of length 1."""
    values = np.random.default_rng(seed).standard_normal((t, d)).astype(np.float32)
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)


@given(st.lists(st.integers(0, 3 * CHUNK), max_size=6), st.integers(1, 5), st.integers(1, 40))
def test_matches_are_those_of_each_sign_vector_alone(sizes: list[int], q: int, d: int) -> None:
    rows = [some(t, d, seed) for seed, t in enumerate(sizes)]
    query = some(q, d, 99)
    met = match(query, decode([encode(row) for row in rows], d))
    for i, row in enumerate(rows):
        if not len(row):
            assert np.isnan(met.rows[:, i]).all()
            continue
        signs = np.where(row > 0, 1, -1) / np.sqrt(d)
        np.testing.assert_allclose(met.rows[:, i], (query @ signs.T).max(1), atol=1e-5)
        np.testing.assert_allclose(met.rows[:, i], met.chunks[:, met.owner == i].max(1), atol=1e-6)
        assert (met.owner == i).sum() == max(1, round(len(row) / CHUNK))


def test_a_long_row_stays_within_its_bytes_and_keeps_what_says_most() -> None:
    tokens = some(2_000, 384)
    assert len(encode(tokens)) <= MAX_BYTES
    weights = np.zeros(2_000, np.float32)
    weights[700:720] = 1
    kept = decode([encode(tokens, weights, limit=8 + 20 * 48)], 384)
    assert kept.counts.tolist() == [20]
    assert (kept.bits == np.packbits(tokens[700:720] > 0, axis=1)).all()


@pytest.mark.parametrize(
    "blob",
    [None, b"", b"x", encode(some(3))[:-1], encode(some(3, 16)), b"\x02" + encode(some(3))[1:]],
)
def test_bytes_that_do_not_fit_are_no_tokens(blob: bytes | None) -> None:
    good = encode(some(4))
    batch = decode([good, blob, good], 20)
    assert batch.counts.tolist() == [4, 0, 4]
    met = match(some(2), batch)
    np.testing.assert_array_equal(met.rows[:, 0], met.rows[:, 2])
    assert np.isnan(met.rows[:, 1]).all()


def test_a_question_without_tokens_matches_nothing() -> None:
    assert match(some(0), decode([encode(some(3))], 20)).rows.shape == (0, 1)
