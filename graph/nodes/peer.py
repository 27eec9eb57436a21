"""Whom to ask when an agent has tried often enough."""

from __future__ import annotations

from neveridle.board.escalation import Peer
from neveridle.errors import ErrorCategory, LeaseLost, MergeConflict, NeveridleError
from neveridle.graph.delivery.chains import standing_for
from neveridle.graph.delivery.rounds import going_on
from neveridle.graph.desk import Job
from neveridle.graph.nodes.guard import problem_of
from neveridle.graph.state import Problem
from neveridle.graph.team import Team


async def find_peer(team: Team, job: Job, problem: Problem) -> Peer | None:
    """Another agent that could do the task, with the work so far; None: nobody.

    None as well while there are attempts left, and where a service or a bug of ours is what
    failed: another agent would meet the same, and an outage must not breed dispatches.
    """
    limit = team.settings.limits.attempts
    if job.notes.get("limit", limit) != limit or problem["code"] == "bug":
        return None
    if problem["category"] != str(ErrorCategory.RECOVERABLE):
        return None
    if (await team.board.tasks.get(job.task.id)).failures + 1 < limit:
        return None
    if going_on(await standing_for(team, job.task)):
        return None  # people are at the pull request already: they are who is asked
    tried = {one.agent for one in await team.board.attempts.of(job.task.id)}
    able = [
        one.name
        for one in team.roster
        if set(job.task.skills) <= set(one.skills)
        and one.name != job.attempt.agent
        and not one.paused
        and one.name not in team.stopped
    ]
    fresh = [name for name in able if name not in tried]
    if not able:
        return None
    name = (fresh or able)[0]
    if job.workspace is None or problem["code"] == MergeConflict.code:
        return Peer(name=name)  # begins anew, at the target branch
    try:
        author = job.attempt.agent
        await job.workspace.commit(
            f"{job.task.title} (unfinished)", author=author, email=team.email_of(author)
        )
        commit = await job.workspace.head()
        if commit == job.attempt.base:
            return Peer(name=name)
        # Noted, so that the branch goes when the chain's work has been merged.
        job.attempt = await team.board.attempts.record(job.attempt, commit=commit)
        async with team.fencing.outside(job):
            await job.workspace.publish_branch()
    except LeaseLost:
        raise
    except NeveridleError as error:  # the peer can do without
        await team.note_problem(problem_of(error), where="peer")
        return Peer(name=name)
    return Peer(name=name, branch=job.workspace.branch, commit=commit)
