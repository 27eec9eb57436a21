"""Evals: recorded tasks, replayed offline and scored."""

from __future__ import annotations

from neveridle.evals.play import Played, play, summary
from neveridle.evals.recorded_task import RecordedTask, find_task, load_task, shipped_tasks
from neveridle.evals.scores import Score, score

__all__ = [
    "Played",
    "RecordedTask",
    "Score",
    "find_task",
    "load_task",
    "play",
    "score",
    "shipped_tasks",
    "summary",
]
