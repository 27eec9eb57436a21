"""Rest: nothing to do; say what to wait for, and end the tick."""

from __future__ import annotations

from neveridle.graph.state import TickState
from neveridle.graph.team import Team


async def rest(team: Team, state: TickState) -> TickState:
    """The graph never waits itself: whoever runs it does, for ``wait``."""
    return {"wait": {"on": "wakeup", **state.get("wait", {})}}
