"""A chain of handoffs: the tasks that one piece of work passed through."""

from __future__ import annotations

from neveridle.board import Attempt, AttemptState, Task
from neveridle.graph.desk import Job
from neveridle.graph.team import Team

LINKS = 1000
"""A chain ends, for each of its links is older; this only bounds a broken one."""


async def ancestors(team: Team, task: Task) -> list[Task]:
    """The tasks whose work a task continues, the nearest first; empty where it is the first."""
    found: list[Task] = []
    while task.continues is not None and len(found) < LINKS:
        task = await team.board.tasks.get(task.continues)
        found.append(task)
    return found


async def origin(team: Team, task: Task) -> Task:
    """The task at the start of a chain of handoffs; the task itself where there is none."""
    return [task, *await ancestors(team, task)][-1]


async def root_base(team: Team, job: Job) -> str:
    """The commit that the whole chain's work started from.

    What judges the work is read there: a sender cannot change what its receiver is judged by.
    """
    if team.forge is not None and await team.forge.remote.holds(job.attempt.base):
        return job.attempt.base  # the target branch was taken in since: all of it is others' work
    for task in reversed(await ancestors(team, job.task)):
        for attempt in reversed(await team.board.attempts.of(task.id)):
            if attempt.base and attempt.commit:
                return attempt.base
    return job.attempt.base


def resumed(attempt: Attempt, history: list[Attempt]) -> list[Attempt]:
    """The attempts that one goes on with, the nearest first.

    More than one, where a process died before it had taken over the work of the one before.
    """
    by_fence = {one.fence: one for one in history}
    found: list[Attempt] = []
    while attempt.resumes is not None and attempt.resumes in by_fence:
        attempt = by_fence[attempt.resumes]
        found.append(attempt)
    return found


def released(attempt: Attempt, history: list[Attempt]) -> Attempt | None:
    """The attempt that was blocked with the outcome this one has taken over, if any.

    Its task has been released since, so the outcome is out of date: the work goes on.
    """
    if (attempt.outcome or {}).get("status") != "blocked":
        return None
    for one in resumed(attempt, history):
        if one.outcome != attempt.outcome:
            return None
        if one.state is AttemptState.BLOCKED:
            return one
    return None
