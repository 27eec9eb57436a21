"""Intervals: published examples, exact coverage, and what nobody can know."""

from __future__ import annotations

import math
import random
from itertools import product
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.evals.report.intervals import (
    MANY,
    MOST,
    Interval,
    mean_of,
    newcombe,
    newcombe_paired,
    t_quantile,
    welch,
    wilson,
)

counts = st.integers(0, 40)
values = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), max_size=12)


def ends(found: Interval | None, digits: int = 4) -> tuple[float, float]:
    assert found is not None
    return round(found.low, digits), round(found.high, digits)


def chance(hits: int, of: int, p: float) -> float:
    return math.comb(of, hits) * p**hits * (1 - p) ** (of - hits)


def test_published_examples_come_out() -> None:
    # Newcombe 1998, Statistics in Medicine 17: 857, 873 and 2635.
    assert ends(wilson(81, 263)) == (0.2553, 0.3662)
    assert ends(wilson(0, 20)) == (0.0, 0.1611)
    assert ends(wilson(29, 29)) == (0.8830, 1.0)
    assert ends(newcombe((48, 56), (80, 70))) == (0.0524, 0.3339)
    assert ends(newcombe((0, 10), (10, 10))) == (0.6075, 1.0)
    assert ends(newcombe_paired(36, 2, 12, 0)) == (0.0569, 0.3404)


@pytest.mark.parametrize(
    ("share", "freedom", "value"),
    [
        (0.975, 1, 12.7062), (0.975, 2, 4.3027), (0.975, 10, 2.2281), (0.995, 4, 4.6041),
        (0.975, 2.5, 3.5747), (0.9999, 30, 4.2340), (0.975, 1e6, 1.9600), (0.5, 3, 0.0),
    ],
)  # fmt: skip
def test_quantiles_of_students_t_are_those_of_the_tables(
    share: float, freedom: float, value: float
) -> None:
    assert t_quantile(share, freedom) == pytest.approx(value, abs=5e-5)


@pytest.mark.parametrize("of", [5, 10, 30])
def test_wilson_holds_the_true_share_about_as_often_as_it_says(of: int) -> None:
    found = [wilson(hits, of) for hits in range(of + 1)]
    shares = [number / 50 for number in range(1, 50)]
    covered = [
        sum(chance(k, of, p) for k, one in enumerate(found) if one and one.low <= p <= one.high)
        for p in shares
    ]
    assert 0.94 < fmean(covered) < 0.97
    assert min(covered) > 0.82


@pytest.mark.parametrize("of", [(5, 5), (10, 6), (12, 12)])
def test_newcombe_holds_the_true_difference_about_as_often_as_it_says(of: tuple[int, int]) -> None:
    found = {pair: newcombe(pair, of) for pair in product(range(of[0] + 1), range(of[1] + 1))}
    covered: list[float] = []
    for p, q in product((0.1, 0.3, 0.5, 0.8, 0.95), repeat=2):
        covered.append(
            sum(
                chance(a, of[0], p) * chance(b, of[1], q)
                for (a, b), one in found.items()
                if one is not None and one.low <= q - p <= one.high
            )
        )
    assert fmean(covered) > 0.945
    assert min(covered) > 0.9


@pytest.mark.parametrize("of", [4, 8, MANY, 60])
def test_means_of_differences_are_held_about_as_often_as_said(of: int) -> None:
    rng = random.Random(of)
    trials, held = 250, 0
    for _ in range(trials):
        found = mean_of([rng.gauss(3, 2) for _ in range(of)])
        assert found is not None
        assert found.method == ("bootstrap" if of >= MANY else "t")
        held += found.low <= 3 <= found.high
    assert 0.9 < held / trials < 0.99


def test_welch_holds_the_difference_of_unlike_groups_about_as_often_as_said() -> None:
    rng = random.Random(7)
    trials, held = 1500, 0
    for _ in range(trials):
        found = welch([rng.gauss(10, 4) for _ in range(4)], [rng.gauss(12, 1) for _ in range(14)])
        assert found is not None
        held += found.low <= 2 <= found.high
    assert 0.93 < held / trials < 0.97


def test_pairs_that_hold_together_say_more_and_only_where_that_is_seen() -> None:
    def width(found: Interval | None) -> float:
        assert found is not None
        return found.high - found.low

    # Together no more than chance may make them: as if they were no pairs.
    assert width(newcombe_paired(5, 2, 2, 1)) == width(newcombe((7, 7), (10, 10)))
    assert width(newcombe_paired(12, 2, 2, 14)) < width(newcombe((14, 14), (30, 30))) / 1.5


@given(counts, counts, counts, counts)
def test_what_is_found_is_mirrored_when_the_sides_change_places(
    a: int, b: int, c: int, d: int
) -> None:
    one, other = newcombe_paired(a, b, c, d), newcombe_paired(a, c, b, d)
    assert (one is None) == (other is None) == (a + b + c + d == 0)
    mirrored(one, other)
    mirrored(newcombe((a, c), (a + b, c + d)), newcombe((c, a), (c + d, a + b)))


@given(values, values)
def test_means_are_mirrored_too(first: list[float], second: list[float]) -> None:
    mirrored(welch(first, second), welch(second, first))
    mirrored(mean_of(first), mean_of([-one for one in first]))


def mirrored(one: Interval | None, other: Interval | None) -> None:
    if one is None or other is None:
        assert one is other
        return
    assert one.low == pytest.approx(-other.high, rel=1e-9, abs=1e-9)
    assert one.high == pytest.approx(-other.low, rel=1e-9, abs=1e-9)


@given(counts, st.integers(1, 40), st.floats(0.5, 0.999))
def test_an_interval_holds_what_was_seen_and_stays_in_its_bounds(
    hits: int, more: int, level: float
) -> None:
    of = hits + more
    found = wilson(hits, of, level)
    assert found is not None
    assert 0 <= found.low <= hits / of <= found.high <= 1
    change = newcombe((hits, more), (of, of), level)
    assert change is not None
    assert -1 <= change.low <= (more - hits) / of + 1e-12
    assert (more - hits) / of - 1e-12 <= change.high <= 1


def test_nothing_is_known_of_one_run_or_of_runs_that_are_alike() -> None:
    assert wilson(0, 0) is None
    assert welch([1.0], [2.0, 3.0]) is None
    assert welch([5.0, 5.0, 5.0], [6.0, 6.0]) is None
    assert mean_of([1.0]) is None
    assert mean_of([2.0, 2.0, 2.0]) is None


def test_resampling_is_the_same_each_time_and_is_bounded() -> None:
    rng = random.Random(3)
    many = [rng.gauss(0, 1) for _ in range(MOST + 1)]
    assert mean_of(many[:50]) == mean_of(many[:50])
    found = mean_of(many)
    assert found is not None
    assert found.method == "t"
    # So far out in the tails that so few resamples show nothing of them.
    rare = mean_of(many[:50], 0.9999)
    assert rare is not None
    assert rare.method == "t"
