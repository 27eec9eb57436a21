"""Claim what a rung saw, and go on where its last attempt durably stood."""

from __future__ import annotations

import asyncio

from neveridle.board import Phase, Source, TaskState
from neveridle.board.elapsed import elapsed
from neveridle.errors import LeaseLost, NeveridleError, StateCorrupted
from neveridle.graph.desk import Job
from neveridle.graph.nodes.chain import released
from neveridle.graph.nodes.guard import problem_of
from neveridle.graph.nodes.rungs import agent_of
from neveridle.graph.observed import began
from neveridle.graph.state import Problem, TickState
from neveridle.graph.team import Team


async def claim(team: Team, state: TickState) -> TickState:
    """Take the best task of the rung; where others were faster, count the loss."""
    agent = agent_of(team, state)
    await team.providers.look()
    await team.allowances.look(agent.name)
    away = team.providers.away(agent.name) or team.allowances.away(agent.name)
    # Another process found out, or a person said so, since this one looked.
    if away or not team.orders.takes(agent.name):
        team.usher.arrived(agent.name)
        return {"candidate": None, "rung": "rest"}
    if state.get("rung") == Source.IMPROVEMENT and team.allowances.improvement_closed:
        team.usher.arrived(agent.name)
        return {"candidate": None, "rung": "rest"}
    asked = elapsed()
    try:
        won = await team.board.attempts.claim(
            agent=agent.name,
            run=await team.run_of(agent.name),
            skills=agent.skills,
            source=Source(state.get("rung", "")),
            lease=team.settings.leases.lease,
        )
    except StateCorrupted as error:
        team.usher.arrived(agent.name)
        if error.task is not None:  # or it would stop whoever claims, one after the other
            await team.board.repairs.set_right(error.task)
        raise
    if won is None:
        team.usher.arrived(agent.name)
        return {"candidate": None, "lost": state.get("lost", 0) + 1}
    if await team.board.attempts.withdraw(won.attempt):  # somebody did it outside meanwhile
        await team.janitor.clear(won.task.id)
        return {"candidate": None, "lost": state.get("lost", 0) + 1}
    runner = asyncio.current_task()
    job = Job(won.task, won.attempt, won.previous, runner=runner, vouched=asked)
    team.desk.put(job)
    began(job)
    team.usher.arrived(agent.name)
    problem = await _unsettled(team, job)
    if problem is None and not await team.tickets.begin(job):
        if (await team.board.tasks.get(job.task.id)).state is TaskState.CANCELLED:
            await team.janitor.clear(job.task.id)
        return {"candidate": None, "lost": state.get("lost", 0) + 1}
    outcome = won.attempt.outcome or {}
    phase, status = won.attempt.phase, str(outcome.get("status", ""))
    if status == "blocked":
        history = await team.board.attempts.of(won.task.id)
        job.released = released(won.attempt, history)
        if job.released is not None:
            phase, status = Phase.CLAIMED, ""
    return {
        "candidate": won.task.id,
        "task": won.task.id,
        "fence": won.attempt.fence,
        "title": won.task.title,
        "phase": str(phase),
        "status": status,
        "problem": problem,
    }


async def _unsettled(team: Team, job: Job) -> Problem | None:
    """Settle what earlier attempts may have written to services; what is in the way of that."""
    if job.attempt.fence == 1:
        return None
    try:
        async with team.fencing.outside(job):
            await team.board.effects.reconcile(job.attempt, team.verbs)
    except LeaseLost:
        raise
    except NeveridleError as error:
        return problem_of(error)
    return None
