"""The MCP servers of a team."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from neveridle.errors import NeveridleError
from neveridle.tools.mcp.client import Mcp
from neveridle.tools.mcp.toolset import mcp_tools

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from neveridle.settings.services import McpServer
    from neveridle.tools.services.kit import ServiceKit


class McpServers:
    """``team.mcp``: all servers that are set; each is started when first needed.

    Args:
        settings: the tables ``[services.mcp.<name>]``.
        kit: breakers, clock and environment.

    Attributes:
        notices: what an operator should see at start: servers that cannot be used as set.
    """

    def __init__(self, settings: Mapping[str, McpServer], kit: ServiceKit) -> None:
        self.notices: list[str] = []
        self._servers: dict[str, Mcp] = {}
        for name, one in settings.items():
            try:
                self._servers[name] = Mcp.connect(name, one, kit)
            except NeveridleError as error:
                self.notices.append(str(error))

    @property
    def servers(self) -> tuple[Mcp, ...]:
        """All that can be used."""
        return tuple(self._servers.values())

    async def tools(
        self, agent: str, *, tell: Callable[[Exception, str], Awaitable[None]]
    ) -> list[BaseTool]:
        """What an agent may use; a server that is down costs its own tools only.

        Args:
            agent: the agent's name.
            tell: whom to tell of a server that cannot be used now.
        """
        given = await asyncio.gather(*(self._of(one, agent, tell) for one in self.servers))
        return [tool for tools in given for tool in tools]

    async def _of(
        self, server: Mcp, agent: str, tell: Callable[[Exception, str], Awaitable[None]]
    ) -> list[BaseTool]:
        try:
            return await mcp_tools(server, agent)
        except NeveridleError as error:
            await tell(error, server.service)
            return []

    async def aclose(self) -> None:
        """End all servers; may be called twice."""
        await asyncio.gather(*(one.aclose() for one in self.servers))
