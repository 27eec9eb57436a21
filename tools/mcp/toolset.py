"""The tools of an MCP server for one agent."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from neveridle.errors import RequestRefused
from neveridle.tools.mcp.results import told

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool
    from mcp.types import Tool

    from neveridle.tools.mcp.client import Mcp

DESCRIBED: Final = 2000
"""Characters of a tool's own description."""
NAME: Final = 64
"""Characters of a name, as model providers allow."""
_ODD: Final = re.compile(r"[^A-Za-z0-9_-]")


async def mcp_tools(server: Mcp, agent: str) -> list[BaseTool]:
    """What an agent may use of a server, as ``SERVER_TOOL``; the server is started for it.

    Calls pass the server's breaker. One that only reads, by what the server says of it, is
    repeated where that helps. What a server says about its tools, and what they give, is data.

    Args:
        server: the server.
        agent: the agent's name.

    Raises:
        ServiceUnavailable: the server's breaker is open.
        ServiceError: it cannot be started.
    """
    settings = server.settings
    if not settings.tools or (settings.agents and agent not in settings.agents):
        return []
    offered = await server.tools()
    wanted = [one for one in offered if "*" in settings.tools or one.name in settings.tools]
    return [_tool(server, one) for one in wanted]


def _tool(server: Mcp, tool: Tool) -> BaseTool:
    from langchain_mcp_adapters.tools import convert_mcp_tool_to_langchain_tool

    reads = tool.annotations is not None and tool.annotations.readOnlyHint is True

    async def through_guard(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Our own session in place of the adapter's, which would start a server for each call."""
        del handler
        try:
            result = await server.call(request.name, request.args, repeatable=reads)
        except RequestRefused as refused:
            from mcp.types import CallToolResult, TextContent

            said = TextContent(type="text", text=str(refused))
            result = CallToolResult(content=[said], isError=True)
        return told(server.name, result)

    short = tool.model_copy(
        update={"description": (tool.description or tool.name)[:DESCRIBED], "meta": None}
    )
    made = convert_mcp_tool_to_langchain_tool(
        None,
        short,
        # Never used, as every call is answered by the interceptor; but one must be given.
        connection={"transport": "stdio", "command": "false", "args": []},
        tool_interceptors=[through_guard],
        server_name=server.name,
        tool_name_prefix=True,
    )
    made.name = _ODD.sub("_", made.name)[:NAME]
    return made
