"""Numbers that were expected, and those that were seen."""

from __future__ import annotations

from neveridle.evals.expectations import Amount, Bounds
from neveridle.evals.result import ScoreLine
from neveridle.evals.scorers.scorer import line

NEAR = 1e-9
"""By how much a sum of fractions, such as a cost, may differ from what was written down."""


def within(seen: float, wanted: Amount) -> bool:
    """Whether a number is the expected one, or lies between the expected bounds."""
    if not isinstance(wanted, Bounds):
        return abs(seen - wanted) <= NEAR
    low, high = wanted.at_least, wanted.at_most
    return (low is None or seen >= low - NEAR) and (high is None or seen <= high + NEAR)


def worded(wanted: Amount) -> str:
    """As said in a detail: ``3``, ``at least 1``, ``1 to 5``."""
    if not isinstance(wanted, Bounds):
        return f"{wanted:g}"
    low, high = wanted.at_least, wanted.at_most
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"at least {low:g}" if low is not None else f"at most {high:g}"


def counted(name: str, seen: float, wanted: Amount) -> ScoreLine:
    """A line on a number."""
    return line(name, within(seen, wanted), f"expected {worded(wanted)}, saw {seen:g}")
