"""What two files of results are found to differ in: plain data, and nothing that computes it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from neveridle.evals.report.intervals import LEVEL, Interval

FORMAT: Final = "neveridle-eval-comparison"
VERSION: Final = 1


class Verdict(StrEnum):
    """What is to be thought of a difference, seen from the first file to the second."""

    BETTER = "better"
    WORSE = "worse"
    CHANGED = "changed"
    """It differs for sure; which way is better nobody said."""
    SAME = "same"
    NOISE = "within noise"
    """It differs by what chance alone may do."""
    UNKNOWN = "unknown"
    """It differs, and there are too few runs to know more."""
    MIXED = "mixed"
    """Some scores of the task got better, others worse."""
    NEW = "new"
    GONE = "gone"
    SKIPPED = "skipped"
    """One of the two files holds only skipped runs of it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One number, before and after.

    Attributes:
        name: of the score or measure; ``passed`` is the share of passed runs.
        before: its mean over the runs (or tasks) of the first file; None: it has none.
        after: the same of the second file.
        runs: how many runs (or tasks) each mean is of.
        interval: where the difference lies; None: no noise, or too few runs.
        exact: both sides are replays of the same seeds, so that a difference is one.
        verdict: what to think of it.
        note: why there is no interval, or what to think of it, in words; may be empty.
    """

    name: str
    before: float | None
    after: float | None
    runs: tuple[int, int]
    interval: Interval | None = None
    exact: bool = False
    verdict: Verdict = Verdict.SAME
    note: str = ""

    @property
    def change(self) -> float | None:
        """By how much it rose; None where one side has none."""
        if self.before is None or self.after is None:
            return None
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """One recorded task in both files.

    Attributes:
        task: its name.
        title: its title, of the second file where that has one.
        verdict: of the share of passed runs; of the scores, where that share is the same.
        statuses: how many runs ended how, in each file.
        exact: see ``Difference.exact``.
        passed: the share of passed runs; None where a file has no run of it.
        scores: one per score, in the order of the files.
        measures: one per measure, by name.
        note: what is to be known of it; may be empty.
    """

    task: str
    title: str
    verdict: Verdict
    statuses: tuple[dict[str, int], dict[str, int]]
    exact: bool = False
    passed: Difference | None = None
    scores: tuple[Difference, ...] = ()
    measures: tuple[Difference, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """What one of the two files holds, as far as both have it in common.

    Attributes:
        name: what it is called: its file's name.
        model: the live model; empty: recordings were replayed.
        matching: ``exact`` or ``lenient``.
        tasks: how many of the tasks that both ran.
        runs: how many runs of them.
        passed: mean over these tasks of their shares of passed runs; None: no task.
        interval: where that share lies for tasks such as these (Wilson; each task counts once,
            however often it was run); None for replays, which have no noise, or without tasks.
    """

    name: str
    model: str
    matching: str
    tasks: int
    runs: int
    passed: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two files of results, task by task and as a whole.

    Attributes:
        sides: the two files.
        level: of confidence of all intervals.
        tasks: every task of either file, by name.
        overall: the share of passed runs, and each measure, as means over the tasks of both.
        looked: how many intervals decided a verdict: about one in twenty of these (at 95 %)
            lies outside by chance alone.
        notes: what is to be known before reading it, in words.
    """

    sides: tuple[Side, Side]
    level: float = LEVEL
    tasks: tuple[TaskComparison, ...] = ()
    overall: tuple[Difference, ...] = ()
    looked: int = 0
    notes: tuple[str, ...] = field(default=())

    def of(self, *verdicts: Verdict) -> list[TaskComparison]:
        """The tasks of these verdicts."""
        return [one for one in self.tasks if one.verdict in verdicts]

    @property
    def worse(self) -> bool:
        """Whether a task, or the share of passed runs as a whole, got worse for sure."""
        whole = [one for one in self.overall if one.name == "passed"]
        return bool(self.of(Verdict.WORSE, Verdict.MIXED)) or any(
            one.verdict is Verdict.WORSE for one in whole
        )

    @property
    def facts(self) -> dict[str, Any]:
        """As plain JSON, with its format and version."""
        return {"format": FORMAT, "version": VERSION, **asdict(self)}
