"""What was written cannot be read any more: this agent stops, the task begins anew."""

from __future__ import annotations

from neveridle.errors import RepositoryUnusable
from neveridle.graph.desk import Job
from neveridle.graph.nodes.guard import problem_of
from neveridle.graph.nodes.reflect import close_job
from neveridle.graph.state import Problem, TickState
from neveridle.graph.team import Team
from neveridle.tools.workspace.workspace import damaged


async def corrupted_clone(job: Job, problem: Problem) -> Problem | None:
    """The problem as it really is, where git failed because the attempt's clone is damaged."""
    if problem["code"] != RepositoryUnusable.code or job.workspace is None:
        return None
    if await job.workspace.sound():
        return None
    return problem_of(damaged(job.workspace.key, problem["message"]))


async def give_up_unreadable(team: Team, job: Job, problem: Problem) -> TickState:
    """End the attempt, so that nobody resumes what cannot be read; stop this agent alone.

    It counts as a failed attempt: a disk that damages whatever is written must not be
    worked on for ever. The next attempt, by another agent or after a restart, begins anew.
    """
    agent = job.attempt.agent
    held = job.attempt.fence not in await team.board.repairs.set_right(job.task.id)
    if held:
        error = f"{problem['message']} {problem['remedy']}".strip()
        with team.desk.ending(job):
            await team.board.attempts.fail(
                job.attempt,
                code=problem["code"],
                error=error,
                limit=team.settings.limits.attempts,
            )
    else:
        team.desk.drop(job.attempt.task_id, job.attempt.fence)
    await close_job(team, job, keep=True)
    await team.stop_agent(agent, problem)
    team.wakeups.nudge()
    return {"ending": "failed", "problem": None}
