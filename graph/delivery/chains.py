"""Whose pull request a task goes on with: its own, or that of the task it continues."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Published:
    """What a task's pull request holds.

    Attributes:
        commit: its head, as we pushed it.
        base: the commit its work started from.
    """

    commit: str
    base: str


async def published(team: Team, task: Task) -> Published | None:
    """What was pushed for a task; None: nothing yet, or it is not in this repository."""
    if team.forge is None:
        return None
    attempts = await attempts_of_chain(team, task)
    standing = standing_of(attempts)
    if not standing.number or not await team.workspaces.has_commit(standing.commit):
        return None
    bases = [one.base for one in attempts if one.commit == standing.commit and one.base]
    return Published(standing.commit, bases[-1] if bases else "")


async def start_of(team: Team) -> str:
    """The commit that new work begins from; empty: the repository's own target branch.

    With pull requests that is the remote's, where what was merged arrives.

    Raises:
        ServiceError: the remote cannot be reached.
    """
    return "" if team.forge is None else await team.forge.remote.fetch()
