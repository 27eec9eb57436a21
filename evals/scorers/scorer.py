"""What a scorer is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from neveridle.evals.result import ScoreLine


@dataclass(frozen=True, slots=True)
class Measure:
    """Something counted; it stands beside the built-in measures, and is compared like them.

    Attributes:
        name: another one than those of the built-in measures.
        value: any number; what is more or less is not good or bad by itself.
    """

    name: str
    value: float


Said: TypeAlias = ScoreLine | Measure
"""What a scorer says: a line of the result, or a measure."""

Scorer: TypeAlias = Callable[..., Iterable[Said] | Awaitable[Iterable[Said]]]
"""Looks at what came of a run.

It is called as ``scorer(played, task, **options)`` with a ``Played``, the ``RecordedTask`` and
the options of its entry in ``task.toml``, and gives lines and measures; it may be async.
"""


def line(name: str, passed: bool, detail: str = "") -> ScoreLine:
    """A line that holds, or does not."""
    return ScoreLine(name=name, value=float(passed), passed=passed, detail=detail)
