"""MCP: the tools of other programs, each server a service of its own."""

from __future__ import annotations

from neveridle.tools.mcp.client import Mcp
from neveridle.tools.mcp.toolset import mcp_tools

__all__ = ["Mcp", "mcp_tools"]
