"""The rungs of the ladder: dispatch, backlog, roadmap, improvement. None calls a model."""

from __future__ import annotations

from neveridle.board import Source
from neveridle.graph.state import TickState
from neveridle.graph.team import Team

LADDER = (Source.DISPATCH, Source.BACKLOG, Source.ROADMAP, Source.IMPROVEMENT)
"""The order in which the rungs are looked at."""


async def heartbeat(team: Team, state: TickState) -> TickState:
    """Read from memory whether this agent may take work; the keeper does the beating."""
    agent = team.roster.get(state["agent"])
    await team.run_of(agent.name)
    resting = agent.paused or team.draining or agent.name in team.stopped
    return {"agent": agent.name, "rung": "rest" if resting else "", "candidate": None,
            "lost": 0, "problem": None, "wait": {"after": team.wakeups.seen}}  # fmt: skip


async def check_dispatch(team: Team, state: TickState) -> TickState:
    """What was addressed to this agent, or to whoever can."""
    return await _look(team, state, Source.DISPATCH)


async def check_backlog(team: Team, state: TickState) -> TickState:
    """The tracker's backlog, as the board mirrors it."""
    if team.sources.stale:
        await team.sources.refresh()
    return await _look(team, state, Source.BACKLOG)


async def check_roadmap(team: Team, state: TickState) -> TickState:
    """Unstarted items of the roadmap, as the board mirrors it."""
    return await _look(team, state, Source.ROADMAP)


async def check_improvement(team: Team, state: TickState) -> TickState:
    """What the finders found worth doing, within the day's cap."""
    found = await _look(team, state, Source.IMPROVEMENT)
    if found.get("candidate") is None and await team.improvement.look():
        found = await _look(team, state, Source.IMPROVEMENT)
    return found


async def _look(team: Team, state: TickState, source: Source) -> TickState:
    agent = team.roster.get(state["agent"])
    candidate = await team.board.attempts.peek(agent.name, agent.skills, source)
    lost = state.get("lost", 0) if state.get("rung") == source else 0
    return {"rung": str(source), "candidate": candidate, "lost": lost}
