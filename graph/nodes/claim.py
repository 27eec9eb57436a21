"""Claim what a rung saw, and go on where its last attempt durably stood."""

from __future__ import annotations

from neveridle.board import Source
from neveridle.graph.desk import Job
from neveridle.graph.state import TickState
from neveridle.graph.team import Team


async def claim(team: Team, state: TickState) -> TickState:
    """Take the best task of the rung; where others were faster, count the loss."""
    agent = team.roster.get(state["agent"])
    won = await team.board.attempts.claim(
        agent=agent.name,
        run=await team.run_of(agent.name),
        skills=agent.skills,
        source=Source(state["rung"]),
        lease=team.settings.leases.lease,
    )
    if won is None:
        return {"candidate": None, "lost": state.get("lost", 0) + 1}
    job = Job(won.task, won.attempt, won.previous)
    team.desk.put(job)
    outcome = won.attempt.outcome or {}
    return {
        "candidate": won.task.id,
        "task": won.task.id,
        "fence": won.attempt.fence,
        "title": won.task.title,
        "phase": str(won.attempt.phase),
        "status": str(outcome.get("status", "")),
    }
