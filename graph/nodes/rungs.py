"""The rungs of the ladder: dispatch, backlog, roadmap, improvement. None calls a model."""

from __future__ import annotations

from neveridle.agents.roster import Agent
from neveridle.board import Source
from neveridle.graph.state import TickState
from neveridle.graph.team import Team

LADDER = (Source.DISPATCH, Source.BACKLOG, Source.ROADMAP, Source.IMPROVEMENT)
"""The order in which the rungs are looked at."""


def agent_of(team: Team, state: TickState) -> Agent:
    """The agent whose tick this is.

    Raises:
        NotFound: there is no such agent, or none was named.
    """
    return team.roster.get(state.get("agent", ""))


async def heartbeat(team: Team, state: TickState) -> TickState:
    """Read from memory whether this agent may take work; the keeper does the beating."""
    agent = agent_of(team, state)
    await team.run_of(agent.name)
    version = await team.wakeups.look()
    found: TickState = {"wait": {"after": version}}
    if team.providers.any_away:
        await team.providers.look()
    if team.allowances.any_away:
        await team.allowances.look()
    away = team.providers.away(agent.name) or team.allowances.away(agent.name)
    await team.orders.look(version)
    kept = agent.paused or not team.orders.takes(agent.name)
    if away or kept or team.draining or agent.name in team.stopped:
        found["rung"] = "rest"
    if agent.name != state.get("agent"):
        found["agent"] = agent.name
    return found


async def check_dispatch(team: Team, state: TickState) -> TickState:
    """What was addressed to this agent, or to whoever can."""
    return await _look(team, state, Source.DISPATCH)


async def check_backlog(team: Team, state: TickState) -> TickState:
    """The tracker's backlog, as the board mirrors it."""
    if team.sources.stale:
        await team.sources.refresh()
        team.quiet.clear()
    return await _look(team, state, Source.BACKLOG)


async def check_roadmap(team: Team, state: TickState) -> TickState:
    """Unstarted items of the roadmap, as the board mirrors it."""
    return await _look(team, state, Source.ROADMAP)


async def check_improvement(team: Team, state: TickState) -> TickState:
    """What the finders found worth doing, within the day's cap; nothing without a budget."""
    if team.allowances.improvement_closed:
        return {}
    found = await _look(team, state, Source.IMPROVEMENT)
    if found.get("candidate") is None and await team.improvement.look():
        team.quiet.pop((agent_of(team, state).name, Source.IMPROVEMENT), None)
        found = await _look(team, state, Source.IMPROVEMENT)
    return found


async def _look(team: Team, state: TickState, source: Source) -> TickState:
    """The best candidate of a rung.

    A rung that was empty is not read again until the board's version says that something
    has become runnable since: an idle tick costs one read, whatever the number of rungs.
    """
    agent = agent_of(team, state)
    version = int(state.get("wait", {})["after"])
    if team.quiet.get((agent.name, source)) != version:
        candidate = await team.board.attempts.peek(agent.name, agent.skills, source)
        if candidate is None:
            team.quiet[agent.name, source] = version
            return {}
        lost = state.get("lost", 0) if state.get("rung") == source else 0
        return {"rung": str(source), "candidate": candidate, "lost": lost}
    return {}
