"""The gate against regressions: what a change made worse, by more than noise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from neveridle.evals.report.compare import PASSED, compare
from neveridle.evals.report.compared import Comparison, Difference, TaskComparison, Verdict
from neveridle.evals.report.intervals import LEVEL
from neveridle.evals.report.loading import load_results
from neveridle.evals.report.runs import replayed
from neveridle.evals.result import SuiteResult

GATED: Final = (
    "model_calls", "input_tokens", "output_tokens", "cost", "retries", "idle_model_calls",
)  # fmt: skip
"""Measures that must not rise. Seconds never count: they are the machine's."""
TOLERANCE: Final = 0.05
"""A measure may rise by this part of what it was."""
WHOLE: Final = "(all tasks)"


@dataclass(frozen=True, slots=True)
class Regression:
    """One thing that got worse.

    Attributes:
        task: the recorded task, or ``(all tasks)``.
        kind: ``status``: it passed; ``score``: a score fell; ``measure``: more is used;
            ``missing``: a task or score is not there any more.
        name: of the score or measure; empty for the task itself.
        before: mean in the baseline; None: nothing to be counted.
        now: mean in these results.
        said: the same in words.
    """

    task: str
    kind: str
    name: str
    before: float | None
    now: float | None
    said: str


@dataclass(frozen=True, slots=True)
class Gate:
    """What came of holding results against a baseline.

    Attributes:
        regressions: what got worse; none: the gate is open.
        judged: how many tasks were held against the baseline.
        better: tasks that got better: reason to write the baseline anew.
        new: tasks that the baseline does not know.
        not_run: tasks of the baseline that were not run, or skipped.
        unjudged: what differs and is of too few runs to know, in words.
    """

    regressions: tuple[Regression, ...]
    judged: int
    better: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing got worse."""
        return not self.regressions

    @property
    def facts(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"passed": self.passed, **asdict(self)}


def regressions(
    baseline: SuiteResult,
    now: SuiteResult,
    *,
    tolerance: float = TOLERANCE,
    partial: bool = False,
) -> list[Regression]:
    """What got worse; see ``hold``."""
    return list(hold(baseline, now, tolerance=tolerance, partial=partial).regressions)


def check_baseline(
    result: SuiteResult, path: Path, *, tolerance: float = TOLERANCE, partial: bool = False
) -> Gate:
    """Hold results against the baseline in a file; see ``hold``.

    Raises:
        ResultsInvalid: the file cannot be read.
    """
    return hold(load_results(path), result, tolerance=tolerance, partial=partial)


def hold(
    baseline: SuiteResult,
    now: SuiteResult,
    *,
    tolerance: float = TOLERANCE,
    partial: bool = False,
) -> Gate:
    """Hold results against a baseline.

    A task that passed each time and now never does, or was not run, is a regression (of live
    runs, one on each side is too few to know, unless it could not be run at all), and so is a
    score that falls and a measure of ``GATED`` that rises by more than noise and by more than
    the tolerance. Replays have no noise. Where runs differ by chance, the level of confidence is
    raised with the number of comparisons (Bonferroni), so that the whole gate closes by mistake
    at most once in twenty times.

    Args:
        baseline: what is known to be.
        now: what was run.
        tolerance: by which part of itself a measure may rise.
        partial: only some tasks were to be run: those that were not are no regression.
    """
    first = compare(baseline, now)
    tried = max(1, _tries(first))
    found = compare(baseline, now, level=1 - (1 - LEVEL) / tried)
    bad: list[Regression] = []
    live = not replayed(baseline, now)
    for task in found.tasks:
        bad += _of_task(task, tolerance, partial=partial, live=live)
    known = {(one.task, one.name) for one in bad}
    if not known:
        bad += _of_all(found.overall, tolerance)
    gone = [one.task for one in found.of(Verdict.GONE)] if partial else []
    return Gate(
        regressions=tuple(bad),
        judged=sum(one.passed is not None for one in found.tasks),
        better=tuple(one.task for one in found.of(Verdict.BETTER)),
        new=tuple(one.task for one in found.of(Verdict.NEW)),
        not_run=(*gone, *(one.task for one in found.of(Verdict.SKIPPED))),
        unjudged=tuple(_unjudged(found, tolerance, known)),
    )


def _tries(found: Comparison) -> int:
    """How many verdicts of the gate an interval decides."""
    every = [d for one in found.tasks for d in _looked_at(one)]
    every += [d for d in found.overall if d.name in (PASSED, *GATED)]
    return sum(one.interval is not None for one in every)


def _looked_at(task: TaskComparison) -> list[Difference]:
    passed = [task.passed] if task.passed is not None else []
    return [*passed, *task.scores, *(one for one in task.measures if one.name in GATED)]


def _of_task(
    task: TaskComparison, tolerance: float, *, partial: bool, live: bool
) -> list[Regression]:
    if task.verdict is Verdict.GONE and task.statuses[0].get("passed") and not partial:
        return [Regression(task.task, "missing", "", None, None, "it was not run any more")]
    if task.passed is None:
        return []
    passed = task.passed
    if _lost(task, passed, live=live) or passed.verdict is Verdict.WORSE:
        said = f"it passed {_share(passed.before)} of its runs, and now {_share(passed.after)}"
        if task.note:
            said += f" ({task.note})"
        return [
            Regression(task.task, "status", "", passed.before, passed.after, said),
            *_scores(task, missing=False),
        ]
    return [*_scores(task, missing=True), *_measures(task.task, task.measures, tolerance)]


def _lost(task: TaskComparison, passed: Difference, *, live: bool) -> bool:
    """Whether it passed each time and now never does; one live run that fails may be chance."""
    if passed.before != 1 or passed.after != 0:
        return False
    return not live or min(passed.runs) > 1 or set(task.statuses[1]) <= {"error", "skipped"}


def _scores(task: TaskComparison, *, missing: bool) -> list[Regression]:
    """Scores that fell; those that are not there any more too, where runs came to their end."""
    found: list[Regression] = []
    for one in task.scores:
        if one.verdict is Verdict.WORSE:
            said = f"{one.name}: {_number(one.before)} before, {_number(one.after)} now"
            found.append(Regression(task.task, "score", one.name, one.before, one.after, said))
        elif one.verdict is Verdict.GONE and missing:
            said = f"{one.name} was scored before, and is not any more"
            found.append(Regression(task.task, "missing", one.name, one.before, None, said))
    return found


def _measures(task: str, every: Iterable[Difference], tolerance: float) -> list[Regression]:
    found: list[Regression] = []
    for one in every:
        if one.name in GATED and one.verdict is Verdict.WORSE and _beyond(one, tolerance):
            said = f"{one.name}: {_number(one.before)} before, {_number(one.after)} now"
            if one.before:
                said += f" ({(one.change or 0) / one.before:+.0%})"
            found.append(Regression(task, "measure", one.name, one.before, one.after, said))
    return found


def _of_all(overall: Sequence[Difference], tolerance: float) -> list[Regression]:
    """What no single task shows, but all of them together do; not for replays, which show it."""
    rest = [one for one in overall if not one.exact]
    found = _measures(WHOLE, rest, tolerance)
    for one in rest:
        if one.name == PASSED and one.verdict is Verdict.WORSE:
            said = f"{_share(one.before)} of the runs passed, and now {_share(one.after)}"
            found.append(Regression(WHOLE, "status", "", one.before, one.after, said))
    return found


def _unjudged(found: Comparison, tolerance: float, known: set[tuple[str, str]]) -> list[str]:
    lines: list[str] = []
    for task in found.tasks:
        for one in _looked_at(task):
            name = "" if one is task.passed else one.name
            if one.verdict is not Verdict.UNKNOWN or (task.task, name) in known:
                continue
            if one.name in GATED and not _beyond(one, tolerance):
                continue
            change = f"{_number(one.before)} before, {_number(one.after)} now"
            lines.append(f"{task.task}: {one.name}: {change}; {one.note}")
    return lines


def _beyond(one: Difference, tolerance: float) -> bool:
    return (one.change or 0.0) > tolerance * abs(one.before or 0.0) + 1e-9


def _share(value: float | None) -> str:
    return "none" if not value else "all" if value == 1 else f"{value:.0%}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:,.6g}"
