"""The clone of an attempt, and the thread that belongs to it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from neveridle.board import Attempt, Handoff
from neveridle.board.task import slug
from neveridle.errors import MergeConflict, RepositoryUnusable, StateCorrupted, WorkRefused
from neveridle.graph.delivery.chains import published, start_of
from neveridle.graph.desk import Job
from neveridle.graph.nodes.chain import resumed
from neveridle.graph.team import Team
from neveridle.tools.sandbox.orphans import end_orphans

if TYPE_CHECKING:
    from neveridle.tools.workspace import Workspace


async def begin_workspace(
    team: Team, job: Job, history: list[Attempt], *, handoff: Handoff | None, failed: Attempt | None
) -> Workspace:
    """The clone to work in, and a thread that fits it.

    An attempt goes on in a copy of the clone it resumes, where its conversation stood. Where
    that clone is gone, so is what the conversation speaks of: it begins anew, with the failed
    attempt's files, else the sender's commit, else the target branch. Work that conflicted
    begins at the target branch as it is now.

    Raises:
        RepositoryUnusable: what was handed over is not in this repository.
        StateCorrupted: the clone of the attempt it resumes cannot be read any more.
    """
    attempt = job.attempt
    # Whatever lies under this attempt's name is of an older board: it has only just begun.
    await team.checkpoints.drop(attempt.thread)
    older = resumed(attempt, history)
    if older:
        await asyncio.to_thread(end_orphans)  # what a dead owner ran may still write there
    # The thread before the files: whoever was only thought dead may go on meanwhile, and
    # files that are ahead of the conversation are as after a kill; the reverse is a lie.
    for old in older:
        if await team.checkpoints.fork(old.thread, attempt.thread):
            break
    found = await _taken_over(team, job, older)
    if found is not None:
        return await _keep(team, job, found, base=attempt.base)
    await team.checkpoints.drop(attempt.thread)
    key, branch = workspace_key(attempt.task_id, attempt.fence), branch_of(team, job)
    conflicted = failed is not None and failed.error_code == MergeConflict.code
    if failed is not None and not conflicted:
        theirs = workspace_key(failed.task_id, failed.fence)
        with suppress(StateCorrupted):  # whoever made it was stopped for that
            found = await team.workspaces.adopt(theirs, key, branch=branch)
        if found is not None:  # what others pushed may have been taken in since it was made
            return await _keep(team, job, found, base=failed.base)
    if found is None:
        start = ""
        if handoff is not None and not conflicted:
            start = handoff.document.commit or handoff.document.branch
        if start and not await team.workspaces.has_commit(start):
            raise _elsewhere(team, job, start)
        opened = None if start else await published(team, job.task)
        start = start if opened is None else opened.commit
        start = start or await start_of(team)
        found = await team.workspaces.create(key, branch=branch, start=start)
        if opened is not None:
            return await _keep(team, job, found, base=opened.base)
    return await _keep(team, job, found)


def _elsewhere(team: Team, job: Job, start: str) -> RepositoryUnusable:
    """What was handed over is not here; to begin without it would lose it without a word."""
    msg = f"{start}, which was handed over, is not in {team.workspaces.repository}."
    again = f"`neveridle tasks retry {job.task.id}`"
    return RepositoryUnusable(
        msg, remedy=f"Fetch it there, or let all hosts work on one repository; then {again}."
    )


async def open_workspace(team: Team, job: Job) -> Workspace:
    """The clone that holds an attempt's finished work.

    Raises:
        WorkRefused: it is gone, and with it the work.
    """
    if job.workspace is not None:
        return job.workspace
    history = await team.board.attempts.of(job.task.id)
    found = await _taken_over(team, job, resumed(job.attempt, history))
    if found is None and await team.workspaces.has_commit(job.attempt.commit):
        key = workspace_key(job.attempt.task_id, job.attempt.fence)
        start = job.attempt.commit
        found = await team.workspaces.create(key, branch=branch_of(team, job), start=start)
    if found is None:
        msg = "The clone that held this work is gone."
        raise WorkRefused(msg, remedy="It has to be done again.")
    # A copy holds what a process that died left between its checks, or of another's files
    # in the middle of a merge: none of that is the work.
    await found.reset(job.attempt.commit)
    return await _keep(team, job, found, base=job.attempt.base)


async def _taken_over(team: Team, job: Job, older: list[Attempt]) -> Workspace | None:
    """A copy of the nearest clone there is among the attempts that are resumed."""
    key = workspace_key(job.attempt.task_id, job.attempt.fence)
    for old in older:
        name = workspace_key(old.task_id, old.fence)
        found = await team.workspaces.adopt(name, key, branch=branch_of(team, job))
        if found is not None:
            return found
    return None


async def _keep(team: Team, job: Job, found: Workspace, *, base: str = "") -> Workspace:
    """Note the clone and, durably, its branch and where its work started."""
    job.workspace = found
    branch, found.base = branch_of(team, job), base or found.base
    if job.attempt.branch != branch or job.attempt.base != found.base:
        job.attempt = await team.board.attempts.record(job.attempt, branch=branch, base=found.base)
    return found


def workspace_key(task: int, fence: int) -> str:
    """The name of an attempt's clone."""
    return f"{task}-{fence}"


def branch_of(team: Team, job: Job) -> str:
    """The branch of a task: the same for all of its attempts."""
    prefix = team.settings.delivery.branch_prefix
    return job.attempt.branch or f"{prefix}{job.task.id}-{slug(job.task.title)}"
