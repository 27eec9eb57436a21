"""The formulas. Nothing in here asks a database, or the time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from neveridle.board.metrics.facts import Facts, Life, Spell, Spent
from neveridle.board.metrics.figures import (
    Counts,
    Dashboard,
    Figures,
    Measure,
    Money,
    Spend,
    Status,
)
from neveridle.board.metrics.window import HOUR, Window

TARGETS: Final[dict[str, tuple[str, float]]] = {
    "throughput": (">=", 2.0),
    "success_rate": (">", 0.95),
    "mean_time": ("<", 1_800.0),
    "idle_time": ("<", 0.05),
    "retry_rate": ("<", 0.10),
    "escalation_rate": ("<", 0.05),
}
"""What is to be reached: tasks per hour, shares, seconds."""
NANO: Final = 1_000_000_000
IMPROVEMENT: Final = "improvement"


def figures(facts: Facts, *, agent: str | None = None) -> Figures:
    """The figures of what is known.

    Args:
        facts: of a window.
        agent: only of this one; None: of the team, and of each of its agents.
    """
    parts = facts.by_agent()
    if agent is not None:
        return _figures(parts.get(agent, Facts(facts.window)), agent, ())
    agents = tuple(_figures(part, name, ()) for name, part in parts.items())
    return _figures(facts, None, agents)


def _figures(facts: Facts, agent: str | None, agents: tuple[Figures, ...]) -> Figures:
    counts = _counts(facts)
    completed, ended = counts.completed, counts.completed + counts.given_up
    alive, busy = counts.alive_seconds, counts.busy_seconds
    times = [max(0.0, one.at - one.since) for one in facts.done if one.since is not None]
    escalations = sum(counts.escalations.values())
    success = measure("success_rate", completed, ended)
    mean = measure("mean_time", sum(times), len(times))
    spend = _spend(facts.spent)
    return Figures(
        window=facts.window,
        agent=agent,
        throughput=measure("throughput", completed, alive / HOUR),
        success_rate=success,
        mean_time=mean,
        idle_time=measure("idle_time", alive - busy, alive),
        retry_rate=measure("retry_rate", counts.retries, counts.requests),
        escalation_rate=measure("escalation_rate", escalations, counts.worked_on),
        dashboard=Dashboard(
            tasks=ended,
            completion_seconds=mean.value,
            success_rate=success.value,
            utilization=busy / alive if alive > 0 else None,
            cost=spend.total.cost,
        ),
        counts=counts,
        spend=spend,
        agents=agents,
    )


def measure(name: str, count: float, of: float) -> Measure:
    """One metric: so much of so much, judged by its target."""
    compare, target = TARGETS[name]
    if not of > 0:
        return Measure(None, target, compare, "none", count, of)
    value = count / of
    reached = {">=": value >= target, ">": value > target, "<": value < target}[compare]
    status: Status = "ok" if reached else "missed"
    return Measure(value, target, compare, status, count, of)


def _counts(facts: Facts) -> Counts:
    window = facts.window
    calls = sum(one.calls for one in facts.spent)
    requests = sum(one.requests for one in facts.spent)
    alive, busy = _times(facts.lives, facts.spells, window)
    return Counts(
        completed=len(facts.done),
        given_up=len(facts.given_up),
        worked_on=len({
            one.task for one in facts.spells
            if one.task is not None and one.since < window.until and one.until >= window.since
        }),
        escalations=dict(sorted(Counter(one.level for one in facts.escalations).items())),
        requests=requests + facts.service_calls,
        retries=sum(one.retries for one in facts.spent) + facts.service_retries,
        model_calls=calls,
        alive_seconds=alive,
        busy_seconds=busy,
    )  # fmt: skip


def _times(lives: Iterable[Life], spells: Iterable[Spell], window: Window) -> tuple[float, float]:
    """How long runs lived in a window, and how long of that they had a task.

    Each run for itself: two of one agent at once are two that could work. What an attempt
    took before its run is known to have lived, or after it died, is nobody's time.
    """
    by_run: dict[str, list[Spell]] = {}
    for spell in spells:
        by_run.setdefault(spell.run, []).append(spell)
    alive = busy = 0.0
    for life in lives:
        since, until = max(life.since, window.since), min(life.until, window.until)
        if since < until:
            alive += until - since
            busy += _covered(by_run.get(life.run, ()), since, until)
    return alive, busy


def _covered(spells: Iterable[Spell], since: float, until: float) -> float:
    """How much of a stretch of time they cover, each moment once."""
    covered, reached = 0.0, since
    for spell in sorted(spells, key=lambda one: one.since):
        begin, end = max(spell.since, reached), min(spell.until, until)
        if begin < end:
            covered += end - begin
            reached = end
    return covered


def _spend(spent: Sequence[Spent]) -> Spend:
    idle = [one for one in spent if one.idle]
    tasks = [one for one in spent if not one.idle]
    return Spend(
        total=_money(spent),
        work=_money([one for one in tasks if one.rung != IMPROVEMENT]),
        improvement=_money([one for one in tasks if one.rung == IMPROVEMENT]),
        idle=_money(idle),
        by_agent=_by(spent, lambda one: one.agent),
        by_rung=_by(spent, lambda one: one.rung),
        by_model=_by(spent, lambda one: one.model),
        by_purpose=_by(spent, lambda one: one.purpose),
    )


def _by(spent: Iterable[Spent], key: Callable[[Spent], str]) -> dict[str, Money]:
    """Taken apart, the dearest first."""
    parts: dict[str, list[Spent]] = {}
    for one in spent:
        parts.setdefault(key(one), []).append(one)
    made = {name: _money(part) for name, part in sorted(parts.items())}
    return dict(sorted(made.items(), key=lambda item: -(item[1].cost or 0.0)))


def _money(spent: Sequence[Spent]) -> Money:
    calls = sum(one.calls for one in spent)
    priced = sum(one.priced for one in spent)
    return Money(
        calls=calls,
        requests=sum(one.requests for one in spent),
        input_tokens=sum(one.input_tokens for one in spent),
        output_tokens=sum(one.output_tokens for one in spent),
        cost=None if calls and not priced else sum(one.nanos for one in spent) / NANO,
        unpriced=calls - priced,
    )
