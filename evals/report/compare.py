"""Comparing two files of results: what got better, what worse, and what nobody can know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Final, TypeVar

from neveridle.evals.report.compared import (
    Comparison,
    Difference,
    Side,
    TaskComparison,
    Verdict,
)
from neveridle.evals.report.intervals import (
    LEVEL,
    Interval,
    mean_of,
    newcombe,
    newcombe_paired,
    welch,
    wilson,
)
from neveridle.evals.report.notes import notes_of
from neveridle.evals.report.runs import (
    WALL,
    by_task,
    measures_of,
    ran,
    replayed,
    same_chance,
    scores_of,
)
from neveridle.evals.result import CaseResult, SuiteResult

LESS: Final = frozenset(
    (
        "model_calls", "input_tokens", "output_tokens", "cost", "retries", "escalations",
        "attempts", "idle_model_calls", "simulated_seconds", "seconds",
    )
)  # fmt: skip
"""Measures of which less is better; of others nobody said."""
ALIKE: Final = 1e-9
PASSED: Final = "passed"

K = TypeVar("K")


def compare(
    first: SuiteResult,
    second: SuiteResult,
    *,
    names: tuple[str, str] = ("A", "B"),
    level: float = LEVEL,
) -> Comparison:
    """Compare two files of results.

    Args:
        first: the runs before.
        second: the runs after.
        names: what the two are called.
        level: of confidence of each interval, between 0 and 1.
    """
    before, after = by_task(first), by_task(second)
    tasks = [
        _task(name, before.get(name, []), after.get(name, []), replayed(first, second), level)
        for name in sorted({*before, *after})
    ]
    common = [one for one in tasks if one.passed is not None]
    overall = _overall(common, level)
    every = [d for one in common for d in (one.passed, *one.scores, *one.measures) if d]
    sides = (
        _side(names[0], first, common, 0, level),
        _side(names[1], second, common, 1, level),
    )
    return Comparison(
        sides=sides,
        level=level,
        tasks=tuple(tasks),
        overall=tuple(overall),
        looked=sum(one.interval is not None for one in (*every, *overall)),
        notes=notes_of(first, second, common, names),
    )


def _task(
    name: str, before: list[CaseResult], after: list[CaseResult], replay: bool, level: float
) -> TaskComparison:
    runs = ran(before), ran(after)
    title = next((one.title for one in (*after, *before) if one.title), "")
    statuses = _statuses(before), _statuses(after)
    if not (runs[0] and runs[1]):
        kind = Verdict.SKIPPED if before and after else Verdict.GONE if before else Verdict.NEW
        return TaskComparison(name, title, kind, statuses, note=_left_out(before, after))
    pairs = same_chance(*runs) if replay else None
    exact = pairs is not None
    runs = pairs or runs
    sides = [[float(one.status == "passed") for one in side] for side in runs]
    passed = difference(PASSED, sides[0], sides[1], exact, level, share=True)
    found = scores_of(runs[0]), scores_of(runs[1])
    scores = _pairs(*found, exact, level, lambda key: key[1], share=True)
    counted = measures_of(runs[0]), measures_of(runs[1])
    measures = _pairs(*counted, exact, level, str, share=False) if all(counted) else []
    return TaskComparison(
        task=name,
        title=title,
        verdict=_verdict(passed, scores),
        statuses=statuses,
        exact=exact,
        passed=passed,
        scores=tuple(scores),
        measures=tuple(sorted(measures, key=lambda one: one.name)),
        note=_trouble(runs[0], runs[1]),
    )


def _statuses(runs: Iterable[CaseResult]) -> dict[str, int]:
    return dict(sorted(Counter(str(one.status) for one in runs).items()))


def _pairs(
    before: Mapping[K, list[float]],
    after: Mapping[K, list[float]],
    exact: bool,
    level: float,
    name: Callable[[K], str],
    *,
    share: bool,
) -> list[Difference]:
    keys = [*before, *(key for key in after if key not in before)]
    return [
        difference(name(key), before.get(key), after.get(key), exact, level, share=share)
        for key in keys
    ]


def difference(
    name: str,
    before: list[float] | None,
    after: list[float] | None,
    exact: bool,
    level: float,
    *,
    share: bool,
) -> Difference:
    """One number in the runs of one task.

    Args:
        name: of the score or measure.
        before: its values in the first file; None: it does not know it; empty: its scorer
            failed each time.
        after: the same of the second file.
        exact: whether the runs of both sides are replays of the same seeds.
        level: of confidence.
        share: whether it is a score, from 0 to 1, of which more is better.
    """
    if not before or not after:
        return _one_sided(name, before, after)
    runs = len(before), len(after)
    means = fmean(before), fmean(after)
    exact = exact and name not in WALL
    interval, note = None, ""
    if not exact and min(runs) < 2:
        note = "1 run each: no interval" if max(runs) < 2 else "1 run on one side: no interval"
    elif not exact:
        interval = _interval(before, after, level, share=share)
        note = "" if interval or means[0] == means[1] else "runs all alike: no interval"
    verdict = _judged(name, means, interval, exact, share=share)
    return Difference(name, *means, runs, interval, exact, verdict, note)


def _interval(
    before: list[float], after: list[float], level: float, *, share: bool
) -> Interval | None:
    if share and all(value in (0.0, 1.0) for value in (*before, *after)):
        hits = int(sum(before)), int(sum(after))
        return newcombe(hits, (len(before), len(after)), level)
    return welch(before, after, level)


def _one_sided(name: str, before: list[float] | None, after: list[float] | None) -> Difference:
    sides = [fmean(side) if side else None for side in (before, after)]
    runs = len(before or ()), len(after or ())
    if before is None or after is None:
        verdict, note = (Verdict.NEW if before is None else Verdict.GONE), ""
    else:
        verdict, note = Verdict.UNKNOWN, "not scored on one side"
    return Difference(name, sides[0], sides[1], runs, verdict=verdict, note=note)


def _judged(
    name: str, means: tuple[float, float], interval: Interval | None, exact: bool, *, share: bool
) -> Verdict:
    change = means[1] - means[0]
    if abs(change) <= ALIKE * max(1.0, abs(means[0])):
        return Verdict.SAME
    if interval is not None and not interval.sure:
        return Verdict.NOISE
    if interval is None and not exact:
        return Verdict.UNKNOWN
    if not share and name not in LESS:
        return Verdict.CHANGED
    return Verdict.BETTER if (change > 0) == share else Verdict.WORSE


def _verdict(passed: Difference, scores: Sequence[Difference]) -> Verdict:
    """Of a task: the share of passed runs decides, and its scores where that is the same."""
    if passed.verdict in (Verdict.BETTER, Verdict.WORSE):
        return passed.verdict
    found = {one.verdict for one in scores}
    if {Verdict.BETTER, Verdict.WORSE} <= found:
        return Verdict.MIXED
    for one in (Verdict.WORSE, Verdict.BETTER):
        if one in found:
            return one
    if passed.verdict is not Verdict.SAME:
        return passed.verdict
    rest = (Verdict.NOISE, Verdict.UNKNOWN)
    return next((one for one in rest if one in found), Verdict.SAME)


def _overall(tasks: Sequence[TaskComparison], level: float) -> list[Difference]:
    """Means over the tasks of both files; each task counts once, however often it was run."""
    rows: dict[str, list[Difference]] = {}
    for task in tasks:
        for one in (task.passed, *task.measures):
            if one is not None and one.change is not None:
                rows.setdefault(one.name, []).append(one)
    names = [PASSED, *sorted(name for name in rows if name != PASSED)]
    return [_whole(name, rows[name], level) for name in names if name in rows]


def _whole(name: str, rows: Sequence[Difference], level: float) -> Difference:
    share = name == PASSED
    means = (
        fmean(one.before for one in rows if one.before is not None),
        fmean(one.after for one in rows if one.after is not None),
    )
    counts = len(rows), len(rows)
    exact = all(one.exact for one in rows)
    interval, note = None, ""
    if exact:
        note = "replays: a difference is a difference"
    elif len(rows) == 1:
        return replace(rows[0], name=name)
    else:
        changes = [one.change or 0.0 for one in rows]
        single = share and all(one.runs == (1, 1) for one in rows)
        interval = _paired(rows, level) if single else mean_of(changes, level)
        note = "" if interval or not any(changes) else "all tasks changed alike: no interval"
    verdict = _judged(name, means, interval, exact, share=share)
    return Difference(name, *means, counts, interval, exact, verdict, note)


def _paired(rows: Sequence[Difference], level: float) -> Interval | None:
    seen = Counter((one.before == 1, one.after == 1) for one in rows)
    return newcombe_paired(
        seen[True, True], seen[True, False], seen[False, True], seen[False, False], level
    )


def _side(
    name: str, result: SuiteResult, tasks: Sequence[TaskComparison], at: int, level: float
) -> Side:
    shares = [(d.before, d.after)[at] or 0.0 for one in tasks if (d := one.passed) is not None]
    runs = sum(d.runs[at] for one in tasks if (d := one.passed) is not None)
    interval = None
    if shares and not replayed(result):
        interval = wilson(sum(shares), len(shares), level)
    mean = fmean(shares) if shares else None
    return Side(name, result.model, result.matching, len(shares), runs, mean, interval)


def _left_out(before: Sequence[CaseResult], after: Sequence[CaseResult]) -> str:
    """Why a task is in one file only."""
    for said, runs in (("before", before), ("after", after)):
        skipped = next((one for one in runs if one.status == "skipped"), None)
        if skipped is not None and not ran(runs):
            why = f": {skipped.trouble.message}" if skipped.trouble else ""
            return f"skipped {said}{why}"
    return ""


def _trouble(before: Sequence[CaseResult], after: Sequence[CaseResult]) -> str:
    for said, runs in (("before", before), ("after", after)):
        bad = next((one.trouble for one in runs if one.trouble is not None), None)
        if bad is not None:
            return f"{said}: {bad.message}"
    return ""
