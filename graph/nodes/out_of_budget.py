"""A budget has no room for the next call: who waits for what."""

from __future__ import annotations

from neveridle.agents.account import PATIENCE
from neveridle.board import Source
from neveridle.board.budget import IMPROVEMENT, TEAM
from neveridle.graph.desk import Job
from neveridle.graph.state import Ending, Problem
from neveridle.graph.team import Team


async def out_of_budget(team: Team, job: Job, problem: Problem) -> tuple[Ending, str]:
    """Return an attempt with its state; it costs no attempt. How it ends, and what to do.

    The task's own budget is a person's matter: ``blocked``, with what they are to do; the
    caller blocks it. Any other: the task waits on the board for whoever may work on it, and
    who may not is given nothing before the window ends.
    """
    scope, until = problem.get("scope", ""), problem.get("until")
    await team.note_problem(problem, where="budget")
    if scope.startswith("task:") and until is None:
        action = f"{problem['message']} {problem['remedy']}".strip()
        await team.alert(
            code=problem["code"], title=f"Task {job.task.id} has used up its budget",
            body=action, agent=job.attempt.agent, task=job.task.id, about=scope,
        )  # fmt: skip
        return "blocked", action
    if scope == TEAM:  # no window's end will help
        await team.alert(
            code=problem["code"], title="The team has used up its budget",
            body=f"{problem['message']} {problem['remedy']}".strip(), about=scope,
        )  # fmt: skip
    agent, allowances = job.attempt.agent, team.allowances
    await allowances.look()  # before the task is free again, and others are woken for it
    now = await team.board.clock.now()
    if scope == IMPROVEMENT and job.task.source is not Source.IMPROVEMENT:
        # Handed over by an improvement: its rung is looked at for other work's sake, too.
        with team.desk.ending(job):
            await team.board.attempts.park(
                job.attempt, on="budget", until=now + PATIENCE if until is None else until
            )
        return "parked", ""
    shut = allowances.away(agent) or (scope == IMPROVEMENT and allowances.improvement_closed)
    if not shut:  # others hold what is left of it, or somebody raised it just now
        allowances.pause(agent, min(now + PATIENCE, now + PATIENCE if until is None else until))
    with team.desk.ending(job):
        await team.board.attempts.release(job.attempt)
    return "released", ""
