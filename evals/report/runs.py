"""The runs in a file of results: by task, what each said, and which of them belong together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from neveridle.evals.result import CaseResult, SuiteResult

WALL: Final = frozenset(("seconds",))
"""Measures of this machine: no two runs have the same, also of a replay."""

Key = tuple[str, str, int]
"""A score: its scorer, its name, and which one of that name it is in the run."""


def by_task(result: SuiteResult) -> dict[str, list[CaseResult]]:
    """The runs of each task, by their numbers."""
    found: dict[str, list[CaseResult]] = {}
    for run in sorted(result.results, key=lambda one: (one.task, one.repeat, one.seed)):
        found.setdefault(run.task, []).append(run)
    return found


def ran(runs: Iterable[CaseResult]) -> list[CaseResult]:
    """The runs that were not left out."""
    return [one for one in runs if one.status != "skipped"]


def replayed(*results: SuiteResult) -> bool:
    """Whether all are replays of recordings: no live model answered."""
    return not any(one.model for one in results)


def same_chance(
    before: Sequence[CaseResult], after: Sequence[CaseResult]
) -> tuple[list[CaseResult], list[CaseResult]] | None:
    """A run of each seed that both sides played; None: there is none, or chance had its part.

    A replay is made of its recording and its seed. So two replays of one seed differ by what
    changed between them and by nothing else, unless runs of one seed differ already on one side.
    """
    sides: list[dict[int, CaseResult]] = []
    for runs in (before, after):
        seeds: dict[int, CaseResult] = {}
        for run in runs:
            if _gist(seeds.setdefault(run.seed, run)) != _gist(run):
                return None
        sides.append(seeds)
    common = sorted(sides[0].keys() & sides[1].keys())
    if not common:
        return None
    return [sides[0][seed] for seed in common], [sides[1][seed] for seed in common]


def scores_of(runs: Iterable[CaseResult]) -> dict[Key, list[float]]:
    """What each score was, in all runs; where its scorer failed, that run has none."""
    found: dict[Key, list[float]] = {}
    for run in runs:
        for key, value in _scores(run):
            values = found.setdefault(key, [])
            if value is not None:
                values.append(value)
    return found


def measures_of(runs: Iterable[CaseResult]) -> dict[str, list[float]]:
    """What each measure was, in all runs that came to their end."""
    found: dict[str, list[float]] = {}
    for run in runs:
        for name, value in run.measures.items():
            if run.status != "error" and math.isfinite(value):
                found.setdefault(name, []).append(value)
    return found


def _scores(run: CaseResult) -> list[tuple[Key, float | None]]:
    seen: Counter[tuple[str, str]] = Counter()
    found: list[tuple[Key, float | None]] = []
    for line in run.scores:
        seen[line.scorer, line.name] += 1
        value = line.value if line.value is not None else float(bool(line.passed))
        key = (line.scorer, line.name, seen[line.scorer, line.name])
        found.append((key, None if line.passed is None else value))
    return found


def _gist(run: CaseResult) -> object:
    """What two replays of one seed have in common."""
    counted = {name: value for name, value in run.measures.items() if name not in WALL}
    return run.status, run.events, _scores(run), counted
