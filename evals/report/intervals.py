"""Confidence intervals: how far chance alone may have moved a number.

Every function is pure, and turns its sign with its arguments: what is found of A against B is
found of B against A, mirrored. Where nothing can be known (one run, or runs that are all alike)
there is no interval, rather than a narrow one. Sources: ``docs/design/evals_reports.md``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance
from typing import Final

LEVEL: Final = 0.95
RESAMPLES: Final = 4000
CHUNKS: Final = 8
"""Resampled in so many pieces, for the memory it takes."""
MANY: Final = 20
"""From so many differences on, they are resampled; fewer take Student's t."""
MOST: Final = 2000
"""Above so many, resampling shows nothing that the normal distribution does not."""
SEED: Final = 20_011
ALIKE: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a number lies, by what was seen.

    Attributes:
        low: lower end.
        high: upper end.
        method: how it was found: ``wilson``, ``newcombe``, ``newcombe-paired``, ``welch``,
            ``t`` or ``bootstrap``.
    """

    low: float
    high: float
    method: str

    @property
    def sure(self) -> bool:
        """Whether zero lies outside: not by chance alone, as far as an interval can say."""
        return self.low > 0 or self.high < 0


def wilson(hits: float, of: int, level: float = LEVEL) -> Interval | None:
    """Where a share lies (Wilson 1927); None: of nothing. Hits may be parts of ones."""
    if of < 1:
        return None
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = hits / of
    scale = 1 + z * z / of
    middle = (share + z * z / (2 * of)) / scale
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / scale
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    return Interval(low, 1.0 if hits == of else min(1.0, middle + half), "wilson")


def newcombe(hits: tuple[int, int], of: tuple[int, int], level: float = LEVEL) -> Interval | None:
    """The second share less the first, of runs that do not belong together (Newcombe 1998)."""
    first, second = wilson(hits[0], of[0], level), wilson(hits[1], of[1], level)
    if first is None or second is None:
        return None
    return _squared(hits[0] / of[0], first, hits[1] / of[1], second, 0.0, "newcombe")


def newcombe_paired(
    both: int, first_only: int, second_only: int, neither: int, level: float = LEVEL
) -> Interval | None:
    """The second share less the first, of pairs (Newcombe 1998, for paired data).

    Args:
        both: pairs in which both hold.
        first_only: pairs in which only the first holds.
        second_only: pairs in which only the second holds.
        neither: pairs in which none holds.
        level: of confidence.
    """
    of = both + first_only + second_only + neither
    hits = both + first_only, both + second_only
    first, second = wilson(hits[0], of, level), wilson(hits[1], of, level)
    if first is None or second is None:
        return None
    product = hits[0] * (of - hits[0]) * hits[1] * (of - hits[1])
    cross: float = both * neither - first_only * second_only
    if cross > 0:
        cross = max(0.0, cross - of / 2)
    together = cross / math.sqrt(product) if product else 0.0
    shares = hits[0] / of, hits[1] / of
    return _squared(shares[0], first, shares[1], second, together, "newcombe-paired")


def _squared(
    a: float, of_a: Interval, b: float, of_b: Interval, together: float, method: str
) -> Interval:
    """Squares of the distances to the ends of both intervals, added; ``together``: phi."""

    def half(one: float, other: float) -> float:
        return math.sqrt(max(0.0, one * one + other * other - 2 * together * one * other))

    down = half(b - of_b.low, of_a.high - a)
    up = half(of_b.high - b, a - of_a.low)
    return Interval(max(-1.0, b - a - down), min(1.0, b - a + up), method)


def welch(first: Sequence[float], second: Sequence[float], level: float = LEVEL) -> Interval | None:
    """The second mean less the first (Welch 1947); None: too few runs, or runs all alike."""
    if len(first) < 2 or len(second) < 2:
        return None
    parts = [variance(side) / len(side) for side in (first, second)]
    whole = sum(parts)
    if whole <= ALIKE * max(1.0, fmean(first) ** 2, fmean(second) ** 2):
        return None
    weights = [p * p / (len(s) - 1) for p, s in zip(parts, (first, second), strict=True)]
    half = t_quantile((1 + level) / 2, whole * whole / sum(weights)) * math.sqrt(whole)
    middle = fmean(second) - fmean(first)
    return Interval(middle - half, middle + half, "welch")


def mean_of(differences: Sequence[float], level: float = LEVEL) -> Interval | None:
    """The mean of paired differences; None: fewer than two, or all alike.

    Few take Student's t; many are resampled (Efron's percentile bootstrap), always with the
    same seed, as often as the tails need to be seen.
    """
    count = len(differences)
    if count < 2:
        return None
    spread = variance(differences)
    if spread <= ALIKE * max(1.0, fmean(differences) ** 2):
        return None
    if MANY <= count <= MOST and RESAMPLES * (1 - level) / 2 >= 20:
        return _resampled(differences, level)
    half = t_quantile((1 + level) / 2, count - 1) * math.sqrt(spread / count)
    middle = fmean(differences)
    return Interval(middle - half, middle + half, "t")


def _resampled(differences: Sequence[float], level: float) -> Interval:
    import numpy as np

    values = np.asarray(differences, dtype=float)
    chance = np.random.default_rng(SEED)
    means = np.concatenate(
        [
            values[chance.integers(0, len(values), (RESAMPLES // CHUNKS, len(values)))].mean(axis=1)
            for _ in range(CHUNKS)
        ]
    )
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = (float(one) for one in np.quantile(means, tails))
    return Interval(low, high, "bootstrap")


def t_quantile(share: float, freedom: float) -> float:
    """The value below which Student's t lies with a probability from 0.5 up to below 1.

    Args:
        share: the probability.
        freedom: degrees of freedom, above 0; need not be whole.
    """
    low, high = 0.0, 1.0
    while _t_below(high, freedom) < share and high < 1e12:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if high - low < 1e-10 * high or middle in (low, high):
            break
        low, high = (middle, high) if _t_below(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def _t_below(value: float, freedom: float) -> float:
    """The probability that Student's t lies below a value that is not negative."""
    tail = _beta(freedom / 2, 0.5, freedom / (freedom + value * value))
    return 1 - tail / 2


def _beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function, by its continued fraction (Lentz)."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
        + a * math.log(x) + b * math.log1p(-x)
    )  # fmt: skip
    tiny = 1e-300
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1), tiny)
    total = d
    for m in range(1, 400):
        for part in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away(1 + part * d, tiny)
            c = _away(1 + part / c, tiny)
            total *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return front * total / a


def _away(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny
