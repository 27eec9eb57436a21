"""Whose pull request a task goes on with: its own, or that of the task it continues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.graph.delivery.standing import Standing, standing_of
from neveridle.graph.nodes.chain import ancestors

if TYPE_CHECKING:
    from neveridle.board import Attempt, Task
    from neveridle.graph.team import Team


async def attempts_of_chain(team: Team, task: Task) -> list[Attempt]:
    """The attempts at a task and at those that it continues, the oldest first."""
    found: list[Attempt] = []
    for one in [*reversed(await ancestors(team, task)), task]:
        found.extend(await team.board.attempts.of(one.id))
    return found


async def standing_for(team: Team, task: Task) -> Standing:
    """How the pull request stands that a task's work goes to."""
    if team.forge is None:
        return Standing()
    return standing_of(await attempts_of_chain(team, task))


async def markers_of(team: Team, task: Task) -> list[str]:
    """What marks all that was written for a task, and for those that it continues."""
    found: list[str] = []
    for one in [task, *await ancestors(team, task)]:
        effects = await team.board.effects.find(task=one.id)
        found.extend(effect.asked().marker for effect in effects)
    return found
