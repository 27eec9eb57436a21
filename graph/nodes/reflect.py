"""Look back: draw a lesson, and store it in one transaction with the attempt's end."""

from __future__ import annotations

from typing import Any

from neveridle.board import Phase, TaskState
from neveridle.board.attempt import thread_of
from neveridle.errors import ErrorCategory
from neveridle.graph.desk import Job
from neveridle.graph.nodes.chain import ancestors
from neveridle.graph.nodes.clones import workspace_key
from neveridle.graph.nodes.guard import problem_of
from neveridle.graph.nodes.peer import escalate
from neveridle.graph.state import TickState
from neveridle.graph.team import Team

CHANGED = 500
"""Changed files that evidence names."""


async def reflect(team: Team, state: TickState) -> TickState:
    """End the attempt, as completed or as failed, with the lesson drawn from it."""
    job = team.desk.of(state)
    problem = job.notes.get("failure")
    if problem is None:
        summary = str((job.attempt.outcome or {}).get("summary", ""))
        learning = await draw_lesson(team, job, succeeded=True, what=summary)
        with team.desk.ending(job):
            woken = await team.board.attempts.complete(job.attempt, learning=learning)
        if job.attempt.resumes is not None:  # somebody may have done what was asked for
            await team.board.answering.withdraw(job.task.id)
        learnt(team, job, learning)
        await close_job(team, job, keep=False)
        if woken:
            team.wakeups.nudge()
        return {"ending": "completed"}
    what = f"{problem['message']} {problem['remedy']}".strip()
    await _note_failure(team, job, what, problem.get("evidence"))
    learning = None
    if problem["category"] == str(ErrorCategory.RECOVERABLE) and problem["code"] != "bug":
        learning = await draw_lesson(team, job, succeeded=False, what=what)
    turn_to = await escalate(team, job, problem)
    peer = turn_to.peer
    with team.desk.ending(job):
        again = await team.board.attempts.fail(
            job.attempt,
            code=problem["code"],
            error=what,
            limit=turn_to.limit,
            learning=learning,
            peer=peer,
            circles=problem.get("evidence"),
            level=str(turn_to.level),
        )
    learnt(team, job, learning)
    if not again:
        await team.alert.keep()
    # A peer begins from what was published; the next attempt from this one's clone.
    kept = peer is None or (await team.board.tasks.get(job.task.id)).state is TaskState.PENDING
    await close_job(team, job, keep=kept)
    team.wakeups.nudge()
    return {"ending": "failed", "problem": None}


async def _note_failure(
    team: Team, job: Job, what: str, circles: dict[str, Any] | None = None
) -> None:
    """Give an attempt that broke off an outcome and evidence, as those that ended have."""
    attempt = job.attempt
    if attempt.outcome is None:
        outcome = {"status": "failed", "summary": what}
        attempt = await team.board.attempts.record(attempt, outcome=outcome)
    if attempt.evidence is None and job.workspace is not None:
        changed = await job.workspace.changed_files(attempt.base)
        evidence: dict[str, Any] = {"changed": changed[:CHANGED], "checks": {}, "passed": False}
        attempt = await team.board.attempts.record(attempt, evidence=evidence)
    if circles is not None:
        evidence = {**(attempt.evidence or {}), "circles": circles}
        attempt = await team.board.attempts.record(attempt, evidence=evidence)
    job.attempt = attempt


async def draw_lesson(
    team: Team, job: Job, *, succeeded: bool, what: str, ended: str = ""
) -> dict[str, Any] | None:
    """The lesson of a job as a row of memory; None where memory is off."""
    if not team.settings.memory.enabled:
        return None
    agent = team.roster.get(job.attempt.agent)
    return await team.lessons.draw(
        job.task, job.attempt, agent, succeeded=succeeded, what=what, ended=ended
    )


async def close_job(team: Team, job: Job, *, keep: bool) -> None:
    """Clear up after an ended attempt: thread, clone, and branches that were merged.

    Args:
        team: the team.
        job: the job.
        keep: whether the clone is kept, because the next attempt goes on from it.
    """
    try:
        await _clear(team, job, keep=keep)
        if not keep:
            await _drop_branches(team, job)
            for task in await ancestors(team, job.task):
                await team.janitor.clear(task.id)  # what ended with this one has none to do it
    except Exception as error:  # noqa: BLE001 - the attempt has ended; the janitor tries again
        await team.note_problem(problem_of(error), where="close")


def learnt(team: Team, job: Job, lesson: dict[str, Any] | None) -> None:
    """Say that a lesson was stored with an attempt's end."""
    if lesson is not None:
        team.consolidating.learnt(job.attempt.agent)


async def _clear(team: Team, job: Job, *, keep: bool) -> None:
    task, fence = job.attempt.task_id, job.attempt.fence
    for old in range(1, fence + 1):
        await team.checkpoints.drop(thread_of(task, old))
        if old < fence or not keep:
            await team.workspaces.remove(workspace_key(task, old))


async def _drop_branches(team: Team, job: Job) -> None:
    """Delete the branches of a chain that was merged: all of its work has arrived."""
    if job.attempt.phase is not Phase.DELIVERED or team.settings.delivery.mode == "branch":
        return
    ours = {(job.attempt.branch, job.attempt.commit)}
    for task in await ancestors(team, job.task):
        ours |= {(one.branch, one.commit) for one in await team.board.attempts.of(task.id)}
    for branch in await team.workspaces.branches():
        if (branch.name, branch.commit) in ours and branch.name != team.workspaces.branch:
            await team.workspaces.delete_branch(branch.name, expect=branch.commit)
