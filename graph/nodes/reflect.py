"""Look back: draw a lesson, and store it in one transaction with the attempt's end."""

from __future__ import annotations

from typing import Any

from neveridle.errors import ErrorCategory
from neveridle.graph.desk import Job
from neveridle.graph.state import TickState
from neveridle.graph.team import Team


async def reflect(team: Team, state: TickState) -> TickState:
    """End the attempt, as completed or as failed, with the lesson drawn from it."""
    job = team.desk.get(state["task"], state["fence"])
    problem = job.notes.get("failure")
    if problem is None:
        summary = str((job.attempt.outcome or {}).get("summary", ""))
        learning = await draw_lesson(team, job, succeeded=True, what=summary)
        woken = await team.board.attempts.complete(job.attempt, learning=learning)
        await close_job(team, job, keep=False)
        if woken:
            team.wakeups.nudge()
        return {"ending": "completed"}
    what = f"{problem['message']} {problem['remedy']}".strip()
    learning = None
    if problem["category"] == str(ErrorCategory.RECOVERABLE) and problem["code"] != "bug":
        learning = await draw_lesson(team, job, succeeded=False, what=what)
    again = await team.board.attempts.fail(
        job.attempt,
        code=problem["code"],
        error=what,
        limit=team.settings.limits.attempts,
        retry_in=job.notes.get("retry_in"),
        learning=learning,
    )
    if not again:
        await team.board.messages.post(
            "dev", job.attempt.agent,
            f"Task {job.task.id} ({job.task.title}) failed too often and waits for a person.",
        )  # fmt: skip
    await close_job(team, job, keep=True)
    team.wakeups.nudge()
    return {"ending": "failed", "problem": None}


async def draw_lesson(team: Team, job: Job, *, succeeded: bool, what: str) -> dict[str, Any] | None:
    """The lesson of a job as a row of memory; None where memory is off."""
    if not team.settings.memory.enabled:
        return None
    agent = team.roster.get(job.attempt.agent)
    return await team.lessons.draw(job.task, job.attempt, agent, succeeded=succeeded, what=what)


async def close_job(team: Team, job: Job, *, keep: bool) -> None:
    """Clear the desk of an ended attempt: thread, clone, and branches that were merged.

    Args:
        team: the team.
        job: the job.
        keep: whether the clone is kept, because the next attempt goes on from it.
    """
    from neveridle.graph.nodes.work import workspace_key

    attempt = job.attempt
    team.desk.drop(attempt.task_id, attempt.fence)
    await team.checkpoints.drop(attempt.thread)
    older = range(1, attempt.fence)
    for fence in (*older, *(() if keep else (attempt.fence,))):
        await team.workspaces.remove(workspace_key(attempt.task_id, fence))
    if not keep:
        await _drop_merged_branches(team, job)


async def _drop_merged_branches(team: Team, job: Job) -> None:
    """Delete this chain's published branches once the target holds their commits."""
    task = job.task
    names = [job.attempt.branch]
    for _ in range(100):  # a chain of handoffs has an end; this only bounds a broken one
        if task.continues is None:
            break
        task = await team.board.tasks.get(task.continues)
        names += [one.branch for one in await team.board.attempts.of(task.id)]
    known = {branch.name: branch for branch in await team.workspaces.branches()}
    for name in dict.fromkeys(filter(None, names)):
        branch = known.get(name)
        if branch is not None and branch.merged:
            await team.workspaces.delete_branch(name, expect=branch.commit)
