"""Agents: roster and souls, the worker, outcome, lessons."""

from __future__ import annotations

from neveridle.agents.outcome import TaskOutcome
from neveridle.agents.roster import Agent, Roster
from neveridle.agents.soul import Soul, load_soul
from neveridle.agents.worker import Assignment, Interrupted, ModelWorker, Worker

__all__ = [
    "Agent",
    "Assignment",
    "Interrupted",
    "ModelWorker",
    "Roster",
    "Soul",
    "TaskOutcome",
    "Worker",
    "load_soul",
]
