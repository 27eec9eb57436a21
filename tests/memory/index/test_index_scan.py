"""The scan of codes: inside the mask always, nearly exact where there are many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from neveridle.memory.index import scan
from neveridle.memory.index.scan import CodeScan
from neveridle.memory.recall.half import dots, widened


def unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    whole: NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return whole


def exact(
    vectors: NDArray[np.float16], query: NDArray[np.float32], n: int, mask: NDArray[np.bool_]
) -> tuple[list[int], NDArray[np.float32]]:
    slots = np.flatnonzero(mask)
    cosines = vectors[slots].astype(np.float32) @ query
    order = np.lexsort((-slots, -cosines))[:n]
    return slots[order].tolist(), cosines[order]


def test_halves_are_widened_bit_by_bit() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    assert np.array_equal(widened(finite), finite.astype(np.float32))


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(0, 60),
    dimensions=st.integers(2, 70),
    n=st.integers(0, 20),
    share=st.floats(0, 1),
)
def test_small_scopes_are_exact(
    seed: int, rows: int, dimensions: int, n: int, share: float
) -> None:
    random = np.random.default_rng(seed)
    vectors = unit(random.standard_normal((rows, dimensions))).astype(np.float16)
    vectors[: rows // 3] = vectors[:1]  # some are equal
    query = unit(random.standard_normal((1, dimensions)))[0]
    mask = random.random(rows) < share
    slots, cosines = CodeScan().nearest(vectors, query, n, mask)
    expected, values = exact(vectors, query, n, mask)
    assert np.allclose(cosines, values, atol=1e-5)
    assert mask[slots].all()
    assert len(slots) == len(expected)


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1),
    dimensions=st.sampled_from([3, 64, 100, 520]),
    share=st.floats(0.2, 1),
)
def test_codes_stay_inside_the_mask_and_grow_with_the_rows(
    seed: int, dimensions: int, share: float
) -> None:
    random = np.random.default_rng(seed)
    vectors = unit(random.standard_normal((400, dimensions))).astype(np.float16)
    query = unit(random.standard_normal((1, dimensions)))[0]
    codes = CodeScan()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "EXACT", 10)
        patch.setattr(scan, "_FIRST", 12)
        for size in (100, 150, 400):
            mask = random.random(size) < share
            slots, cosines = codes.nearest(vectors, query, 5, mask)
            assert mask[slots].all()
            assert len(slots) == 5
            assert np.allclose(cosines, dots(vectors, query, slots), atol=1e-5)
            assert (np.diff(cosines) <= 0).all()
            assert len(codes) == size


def _alike(random: np.random.Generator, rows: int) -> NDArray[np.float32]:
    subjects = unit(random.standard_normal((100, 384)))
    near = unit(random.standard_normal((rows, 384)))
    return unit(subjects[random.zipf(1.3, rows) % 100] + 0.2 * near)


def _random(random: np.random.Generator, rows: int) -> NDArray[np.float32]:
    return unit(random.standard_normal((rows, 384)))


def _sparse(random: np.random.Generator, rows: int) -> NDArray[np.float32]:
    vectors = np.zeros((rows, 384))
    for row in vectors:
        row[random.integers(0, 384, 9)] = random.choice([-1, 1], 9)
    return unit(vectors)


@pytest.mark.parametrize("make", [_alike, _random, _sparse])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_nearly_all_of_the_exact_ten_are_found(
    make: Callable[[np.random.Generator, int], NDArray[np.float32]], share: float
) -> None:
    random = np.random.default_rng(3)
    vectors = make(random, 20_000).astype(np.float16)
    mask = random.random(20_000) < share
    codes = CodeScan()
    wide = vectors.astype(np.float32)
    found = 0
    for number in range(20):
        noise = unit(random.standard_normal((1, 384)))
        near = vectors[number * 900].astype(np.float32)
        query = unit(near + 0.7 * noise)[0] if number % 2 else noise[0]
        slots, _ = codes.nearest(vectors, query, 10, mask)
        cosines = np.where(mask, wide @ query, -2)
        found += len(set(slots.tolist()) & set(np.argsort(-cosines)[:10].tolist()))
    assert found >= 0.95 * 200


def test_many_that_are_equal_do_not_take_for_ever() -> None:
    vectors = np.zeros((50_000, 64), np.float16)
    vectors[:, 0] = 1
    vectors[7] = 0
    vectors[7, 1] = 1
    query = np.zeros(64, np.float32)
    query[1] = 1
    slots, cosines = CodeScan().nearest(vectors, query, 3, np.ones(50_000, np.bool_))
    assert slots[0] == 7
    assert cosines.tolist() == [1, 0, 0]
