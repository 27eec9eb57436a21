"""Work on the task, in a clone of its own and on a durable thread of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.agents.worker import Assignment, Interrupted
from neveridle.board import Attempt, AttemptState, Handoff, Phase
from neveridle.board.task import slug
from neveridle.graph.desk import Job
from neveridle.graph.nodes.roadmap_mark import mark_roadmap
from neveridle.graph.state import TickState
from neveridle.graph.team import Team

if TYPE_CHECKING:
    from neveridle.tools.workspace import Workspace


async def work(team: Team, state: TickState) -> TickState:
    """Run the worker until there is an outcome; commit what it left; note both durably."""
    job = team.desk.get(state["task"], state["fence"])
    agent = team.roster.get(state["agent"])
    handoff = None
    if job.task.handoff is not None:
        handoff = await team.board.handoffs.get(job.task.handoff)
    failed = await last_failed(team, job)
    workspace = await open_workspace(team, job, handoff=handoff, failed=failed)
    await resume_thread(team, job)
    await mark_roadmap(team, job, workspace, "in_progress")
    lessons: list[str] = []
    if team.settings.memory.enabled and team.settings.memory.recall:
        query = f"{job.task.title}\n{job.task.description}"[:2000]
        hits = await team.memory.recall(query, k=team.settings.memory.recall)
        lessons = [hit.row.text for hit in hits]
    assignment = Assignment(
        task=job.task,
        attempt=job.attempt,
        agent=agent,
        handoff=handoff,
        failed=failed,
        lessons=lessons,
        checks=await team.checks_at(job.attempt.base),
        tools=team.tools_for(workspace),
    )
    try:
        outcome = await team.worker.work(assignment)
    except Interrupted as asked:
        job.notes["questions"] = asked.questions
        return {"status": "interrupted"}
    team.desk.get(state["task"], state["fence"])  # the lease may have been lost meanwhile
    if outcome["status"] in ("completed", "handed_off"):
        await commit(team, job, workspace, f"{job.task.title}\n\n{outcome['summary']}")
        if outcome["status"] == "completed":
            await mark_roadmap(team, job, workspace, "done")
    else:
        await commit(team, job, workspace, f"{job.task.title} (unfinished)")
    job.attempt = await team.board.attempts.record(
        job.attempt, phase=Phase.WORKED, outcome=dict(outcome), commit=await workspace.head()
    )
    return {"phase": str(Phase.WORKED), "status": outcome["status"]}


async def last_failed(team: Team, job: Job) -> Attempt | None:
    """The failed attempt that this one is to do better than, if any."""
    if job.attempt.number == 1:
        return None
    earlier = await team.board.attempts.of(job.task.id)
    failed = [
        one for one in earlier
        if one.state is AttemptState.FAILED and one.number < job.attempt.number
    ]  # fmt: skip
    return failed[-1] if failed else None


async def open_workspace(
    team: Team, job: Job, *, handoff: Handoff | None, failed: Attempt | None
) -> Workspace:
    """The clone of an attempt: the one it resumes, or a new one from the right commit."""
    if job.workspace is not None:
        return job.workspace
    attempt = job.attempt
    key = workspace_key(attempt.task_id, attempt.fence)
    branch = attempt.branch or branch_name(team, job)
    found: Workspace | None = await team.workspaces.find(key)
    if found is None and attempt.resumes is not None:
        found = await team.workspaces.adopt(
            workspace_key(attempt.task_id, attempt.resumes), key, branch=branch
        )
    if found is None:
        found = await _new_workspace(team, key, branch, handoff=handoff, failed=failed, job=job)
    job.workspace = found
    if attempt.branch != branch or attempt.base != found.base:
        job.attempt = await team.board.attempts.record(attempt, branch=branch, base=found.base)
    return found


async def _new_workspace(
    team: Team,
    key: str,
    branch: str,
    *,
    handoff: Handoff | None,
    failed: Attempt | None,
    job: Job,
) -> Workspace:
    """From the failed attempt's work, else the sender's, else the target branch."""
    if failed is not None and failed.error_code != "merge-conflict":
        old = workspace_key(failed.task_id, failed.fence)
        kept = await team.workspaces.adopt(old, key, branch=branch)
        if kept is not None:
            return kept
    start = ""
    if job.attempt.commit and job.attempt.resumes is not None:
        start = job.attempt.commit
    elif handoff is not None and handoff.document.commit:
        start = handoff.document.commit
    if start and not await team.workspaces.has_commit(start):
        start = ""
    return await team.workspaces.create(key, branch=branch, start=start)


async def resume_thread(team: Team, job: Job) -> None:
    """Begin the attempt's thread where the one it resumes stood."""
    attempt = job.attempt
    if attempt.resumes is None or await team.checkpoints.exists(attempt.thread):
        return
    from neveridle.board.attempt import thread_of

    await team.checkpoints.fork(thread_of(attempt.task_id, attempt.resumes), attempt.thread)


async def commit(team: Team, job: Job, workspace: Workspace, message: str) -> None:
    """Commit what is in the clone, in the agent's name; nothing where nothing changed."""
    agent = job.attempt.agent
    await workspace.commit(message, author=agent, email=team.email_of(agent))


def workspace_key(task: int, fence: int) -> str:
    """The name of an attempt's clone."""
    return f"{task}-{fence}"


def branch_name(team: Team, job: Job) -> str:
    """The branch of a task: the same for all of its attempts."""
    return f"{team.settings.delivery.branch_prefix}{job.task.id}-{slug(job.task.title)}"
