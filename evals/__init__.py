"""Evals: recorded tasks, replayed offline and scored."""

from __future__ import annotations

from neveridle.evals.play import Played, play, summary
from neveridle.evals.recorded_task import (
    RecordedTask,
    find_task,
    find_tasks,
    load_task,
    shipped_tasks,
)
from neveridle.evals.result import CaseResult, ScoreLine, SuiteResult
from neveridle.evals.scorers import Measure, Scorer, score

__all__ = [
    "CaseResult",
    "Measure",
    "Played",
    "RecordedTask",
    "ScoreLine",
    "Scorer",
    "SuiteResult",
    "find_task",
    "find_tasks",
    "load_task",
    "play",
    "score",
    "shipped_tasks",
    "summary",
]
