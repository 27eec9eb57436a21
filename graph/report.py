"""What came of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neveridle.board.budget import NANOS
from neveridle.graph.state import Problem

LINES = 1000
"""Attempts that a report lists; a run that lasts for days ends more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLine:
    """One attempt that ended in a run.

    Attributes:
        ending: how it ended: completed, failed, blocked, handed_off, parked, released, lost.
            A parked one goes on later: it waits for an answer, or for a service.
        path: the nodes it passed: the decision path.
    """

    agent: str
    task: int
    title: str
    rung: str
    ending: str
    path: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class RunReport:
    """What came of a run.

    Attributes:
        reason: why it ended: ``idle``, ``ticks``, ``timeout``, ``stopped``, ``drained``
            or ``paused``: all rest because a person paused them.
        ticks: ticks of all agents.
        attempts: the attempts that ended, in order; the newest thousand.
        endings: how many attempts ended how, all of them counted.
        model_calls: calls of the model, all of them for an attempt.
        idle_model_calls: calls made while there was no work: always 0 unless a bug.
        input_tokens: tokens sent.
        output_tokens: tokens received.
        cost: US dollars, of those calls whose price is known.
        unpriced_calls: calls of models whose price is not known; their tokens are counted.
        resumes_at: where a budget ended the run: when work resumes by itself, in seconds since
            1970; None: it was not a budget, or it takes a person.
        seconds: by the board's clock.
        problems: what went wrong beside the tasks themselves.
        stopped: agents that stopped, and why.
        notices: what an operator should know.
    """

    reason: str = "idle"
    ticks: int = 0
    attempts: list[AttemptLine] = field(default_factory=list[AttemptLine])
    endings: dict[str, int] = field(default_factory=dict[str, int])
    model_calls: int = 0
    idle_model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    unpriced_calls: int = 0
    resumes_at: float | None = None
    seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list[Problem])
    stopped: dict[str, Problem] = field(default_factory=dict[str, Problem])
    notices: list[str] = field(default_factory=list[str])

    def add(self, line: AttemptLine) -> None:
        """Note one more attempt that ended."""
        self.attempts.append(line)
        del self.attempts[:-LINES]
        self.endings[line.ending] = self.endings.get(line.ending, 0) + 1

    def count_call(self, data: Mapping[str, Any], *, idle: bool) -> None:
        """Count one call of a model.

        Args:
            data: that of its event ``model.call``.
            idle: whether it was made for no task.
        """
        self.model_calls += 1
        self.idle_model_calls += idle
        self.input_tokens += int(data.get("input_tokens") or 0)
        self.output_tokens += int(data.get("output_tokens") or 0)
        cost = data.get("cost")
        self.cost += int(cost or 0) / NANOS
        self.unpriced_calls += cost is None

    @property
    def completed(self) -> list[AttemptLine]:
        """The attempts that completed their task."""
        return [line for line in self.attempts if line.ending == "completed"]

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        import dataclasses

        return dataclasses.asdict(self)
