"""Saves working memory after each tool call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import ToolMessage
from langgraph.types import Command

from neveridle.agents.notebook import Notebook

# The middleware neither adds to the agent's state nor to its context.
_Base = AgentMiddleware[Any, Any, Any]


class NoteKeeper(_Base):
    """Middleware: what a tool left in the notebook is kept before its result is.

    Args:
        notebook: the notebook.
    """

    def __init__(self, notebook: Notebook) -> None:
        super().__init__()
        self._notebook = notebook

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Call the tool, then save."""
        result = await handler(request)
        await self._notebook.save()
        return result
