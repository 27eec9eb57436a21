"""The decision tree for LangGraph Studio and server; named in ``langgraph.json``."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from neveridle.settings import CONFIG_NAME

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

    from neveridle.graph.state import TickState

CONFIG = "NEVERIDLE_CONFIG"
"""The variable that names the team's configuration file; unset: the one in the current folder."""


@asynccontextmanager
async def team_graph() -> AsyncGenerator[CompiledStateGraph[TickState, None, TickState, TickState]]:
    """The compiled graph of the configured team, which is open as long as the graph is used.

    One invocation is one tick: give it ``{"agent": "sam"}``.

    Raises:
        OperatorError: see ``Team.open``.
    """
    from neveridle.graph.team import Team

    async with Team.load(os.environ.get(CONFIG, CONFIG_NAME)) as team:
        yield team.graph
