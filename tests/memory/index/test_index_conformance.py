"""What every dense index does, embedded or on a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neveridle.memory.index.dense import Batch, DenseIndex, IndexBroken

Make = Callable[..., DenseIndex]
VECTORS = np.eye(6, 8, dtype=np.float32)


def batch(ids: list[int], *, gone: tuple[int, ...] = (), revision: int = 1) -> Batch:
    return Batch(ids, VECTORS[ids] if ids else None, gone, revision)


def found(index: DenseIndex, row: int, n: int = 10) -> list[int]:
    ids, _ = index.query(VECTORS[row], n)
    return [int(one) for one in ids]


def test_it_keeps_what_it_is_given(make_index: Make) -> None:
    index = make_index()
    assert index.open().revision == 0
    assert index.apply(batch([1, 2, 3], revision=7)).revision == 7
    ids, cosines = index.query(VECTORS[2], 2)
    assert int(ids[0]) == 2
    assert cosines[0] == pytest.approx(1, abs=1e-5)
    assert cosines[1] == pytest.approx(0, abs=1e-5)
    assert index.count() == 3
    assert np.allclose(index.held([3, 9])[3], VECTORS[3])
    assert set(index.held([3, 9])) == {3}
    index.close()
    again = make_index()
    assert again.open().revision == 7
    assert sorted(found(again, 1)) == [1, 2, 3]


def test_the_same_twice_changes_nothing(make_index: Make) -> None:
    index = make_index()
    index.open()
    for _ in range(2):
        index.apply(batch([1, 2, 3], revision=3))
        index.apply(batch([], gone=(2, 5), revision=4))
    assert sorted(found(index, 1)) == [1, 3]
    assert index.open().revision == 4


def test_an_empty_one_finds_nothing(make_index: Make) -> None:
    index = make_index()
    index.open()
    assert found(index, 1) == []
    assert index.held([1]) == {}
    index.apply(batch([], revision=5))
    assert index.count() == 0


def test_another_model_is_noticed_and_discarding_starts_anew(make_index: Make) -> None:
    index = make_index()
    index.open()
    index.apply(batch([1], revision=1))
    index.close()
    other = make_index(model="two")
    with pytest.raises(IndexBroken, match="vectors of one, not of two"):
        other.open()
    other.discard()
    assert other.open().revision == 0
    assert other.count() == 0


def test_each_board_has_its_own(make_index: Make) -> None:
    index = make_index()
    index.open()
    index.apply(batch([1], revision=1))
    index.close()
    other = make_index(board="0123456789abcdef")
    try:
        assert other.open().revision == 0  # a server keeps both
    except IndexBroken as broken:  # a folder holds one
        assert "another board" in str(broken)


def test_a_rebuilt_one_takes_its_place_in_one_step(make_index: Make) -> None:
    index = make_index()
    index.open()
    index.apply(batch([1, 2], revision=2))
    beside = index.rebuilt()
    beside.open()
    beside.apply(batch([2, 3], revision=9))
    assert sorted(found(index, 1)) == [1, 2], "the old one answers until then"
    beside.close()
    assert index.adopt().revision == 9
    assert sorted(found(index, 1)) == [2, 3]
    index.close()
    again = make_index()
    assert again.open().revision == 9
    assert again.rebuilt().open().revision == 0, "the next rebuilding starts from nothing"


def test_a_rebuilding_goes_on_where_it_was_cut(make_index: Make) -> None:
    index = make_index()
    index.open()
    beside = index.rebuilt()
    beside.open()
    beside.apply(batch([1], revision=4))
    beside.close()
    index.close()
    rest: Any = make_index().rebuilt()
    assert rest.open().revision == 4
    assert rest.count() == 1
    rest.close()
