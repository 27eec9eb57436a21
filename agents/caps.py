"""The budgets that a call counts in, with the caps of the settings."""

from __future__ import annotations

from collections.abc import Mapping

from neveridle.board import Source, Task
from neveridle.board.budget import (
    DAY,
    IMPROVEMENT,
    NANOS,
    TEAM,
    Cap,
    Standing,
    agent_scope,
    raised,
    task_scope,
)
from neveridle.board.day import Day, day_at
from neveridle.settings import CapSettings, Settings


class Caps:
    """Which budgets there are, and what they allow.

    Args:
        settings: the team's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def today(self, moment: float) -> Day:
        """The day that a moment is in, where days of budgets begin and end."""
        return day_at(moment, self._settings.budgets.timezone)

    def day(self, today: Day) -> Cap:
        """The whole team's, for a day."""
        return _cap(DAY, self._settings.budgets.day, today)

    def team(self) -> Cap:
        """The whole team's, in all."""
        return _cap(TEAM, self._settings.budgets.team)

    def improvement(self, today: Day) -> Cap:
        """That of the improvement rung's tasks together, for a day."""
        return _cap(IMPROVEMENT, self._settings.budgets.improvement, today)

    def agent(self, name: str, today: Day) -> Cap:
        """An agent's, for a day."""
        return _cap(agent_scope(name), self._settings.budget_of(name), today)

    def task(self, first: Task, task: Task | None = None) -> Cap:
        """A task's, with all it was handed over to.

        Args:
            first: the first of the chain of handoffs. What its own budget says wins.
            task: the one of them that is worked on; its own wins over the settings.
        """
        of_all = self._settings.budgets.task
        own: Mapping[str, float] = {**(task.budget if task is not None else {}), **first.budget}
        tokens, cost = own.get("tokens", of_all.tokens), own.get("cost", of_all.cost)
        set_so = CapSettings(tokens=None if tokens is None else int(tokens), cost=cost)
        return _cap(task_scope(first.id), set_so)

    def of_call(self, first: Task, task: Task, agent: str, today: Day) -> list[Cap]:
        """All budgets that a call for a task counts in."""
        found = [self.task(first, task), self.agent(agent, today), self.day(today), self.team()]
        if Source.IMPROVEMENT in (first.source, task.source):
            found.append(self.improvement(today))
        return found

    @property
    def any(self) -> bool:
        """Whether the settings cap anything."""
        return any(one.tokens is not None or one.cost is not None for one in self.tables().values())

    @property
    def any_of_cost(self) -> bool:
        """Whether the settings cap money anywhere."""
        return any(one.cost is not None for one in self.tables().values())

    def tables(self) -> dict[str, CapSettings]:
        """What is set, by the table that sets it."""
        names = ("task", "agent", "day", "team", "improvement")
        found: dict[str, CapSettings] = {
            f"budgets.{name}": getattr(self._settings.budgets, name) for name in names
        }
        for name, agent in self._settings.agents.items():
            if agent.budget is not None:
                found[f"agents.{name}.budget"] = agent.budget
        return found


def allows_nothing(cap: Cap) -> bool:
    """Whether a cap is 0: then there is nothing to count."""
    return cap.tokens == 0 or cap.nanos == 0


def is_closed(standing: Standing, cap: Cap) -> bool:
    """Whether a window has no room for anything more."""
    if standing.closed_at is not None and not raised(standing, cap):
        return True
    return any(
        limit is not None and spent >= limit
        for spent, limit in ((standing.tokens, cap.tokens), (standing.nanos, cap.nanos))
    )


def _cap(scope: str, settings: CapSettings, today: Day | None = None) -> Cap:
    return Cap(
        scope=scope,
        window="" if today is None else today.name,
        ends_at=None if today is None else today.ends_at,
        tokens=settings.tokens,
        nanos=None if settings.cost is None else round(settings.cost * NANOS),
    )
