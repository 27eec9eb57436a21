"""The figures: six metrics with their targets, the dashboard's five, and what was spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from neveridle.board.metrics.window import Window

Status = Literal["ok", "missed", "none"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric.

    Attributes:
        value: None where there is nothing to divide by.
        target: what to reach.
        compare: how value and target compare where it is reached: ``>=``, ``>`` or ``<``.
        status: ``ok``, ``missed``, or ``none`` where there is no value to judge.
        count, of: what was divided by what.
    """

    value: float | None
    target: float
    compare: str
    status: Status
    count: float
    of: float


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The dashboard's five, of whatever window was asked for.

    Attributes:
        tasks: tasks that came to an end: completed or given up.
        completion_seconds: seconds from first claim to completion, on average.
        success_rate: the share of them that was completed.
        utilization: the share of the agents' time in which they had a task.
        cost: US dollars; None: nothing of what was spent has a known price.
    """

    tasks: int
    completion_seconds: float | None
    success_rate: float | None
    utilization: float | None
    cost: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """What the metrics are made of.

    Attributes:
        completed: tasks that agents completed; a chain of handoffs is one.
        given_up: times that an agent's attempt left its task blocked for somebody.
        worked_on: tasks that anybody had at work.
        escalations: by level.
        requests, retries: to models and services; how many of them were repeats.
        model_calls: answers of models.
        alive_seconds: for how long agents lived, each run for itself.
        busy_seconds: for how long of that they had a task.
    """

    completed: int
    given_up: int
    worked_on: int
    escalations: dict[str, int]
    requests: int
    retries: int
    model_calls: int
    alive_seconds: float
    busy_seconds: float


@dataclass(frozen=True, slots=True)
class Money:
    """What model calls took.

    Attributes:
        calls: how many were answered.
        requests: how many requests that took.
        cost: US dollars, of the calls whose price is known; None: none of theirs is.
        unpriced: calls whose price is not known.
    """

    calls: int
    requests: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    unpriced: int


@dataclass(frozen=True, slots=True)
class Spend:
    """What was spent on models: ``total`` is ``work``, ``improvement`` and ``idle`` together.

    Attributes:
        work: on tasks of the first three rungs.
        improvement: on tasks that the team found for itself.
        idle: without any task.
        by_agent, by_rung, by_model, by_purpose: the total, taken apart; "" is what no event
            says, as of calls without a task no rung.
    """

    total: Money
    work: Money
    improvement: Money
    idle: Money
    by_agent: dict[str, Money]
    by_rung: dict[str, Money]
    by_model: dict[str, Money]
    by_purpose: dict[str, Money]


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one window, of one agent or of the team.

    Attributes:
        agent: whose they are; None: the team's.
        throughput: tasks completed in each hour of an agent.
        success_rate: the share completed of the tasks that came to an end.
        mean_time: seconds from a task's first claim to its completion.
        idle_time: the share of the agents' time without a task.
        retry_rate: the share of requests that repeated one.
        escalation_rate: escalations for each task that was worked on.
        agents: the same for each agent, by name, where the team was asked for.
    """

    window: Window
    agent: str | None
    throughput: Measure
    success_rate: Measure
    mean_time: Measure
    idle_time: Measure
    retry_rate: Measure
    escalation_rate: Measure
    dashboard: Dashboard
    counts: Counts
    spend: Spend
    agents: tuple[Figures, ...] = ()

    @property
    def metrics(self) -> dict[str, Measure]:
        """The six, by name."""
        return {name: getattr(self, name) for name in SIX}

    def as_dict(self) -> dict[str, Any]:
        """As ``neveridle metrics --json`` prints them."""
        from dataclasses import asdict

        return {
            "window": {**asdict(self.window), "seconds": self.window.seconds},
            "agent": self.agent,
            "metrics": {name: asdict(one) for name, one in self.metrics.items()},
            "dashboard": asdict(self.dashboard),
            "counts": asdict(self.counts),
            "spend": asdict(self.spend),
            "agents": [one.as_dict() for one in self.agents],
        }


SIX = ("throughput", "success_rate", "mean_time", "idle_time", "retry_rate", "escalation_rate")
