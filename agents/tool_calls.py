"""One tool call: traced, and logged as the event from which tool calls are counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import ToolMessage
from langgraph.types import Command

from neveridle.board import Attempt, Board
from neveridle.board.simulation import host_seconds
from neveridle.tools.telemetry import identifier, passes_through, span

UNKNOWN = "unknown"
"""The name under which a tool is counted that there is none of: what the model made up."""


async def called_tool(
    board: Board,
    attempt: Attempt,
    request: ToolCallRequest,
    handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
) -> ToolMessage | Command[Any]:
    """Call a tool, in a span ``execute_tool <name>``; append ``tool.call`` once it has ended.

    Neither has its arguments or its result. A call that waits for an answer from outside, or
    was cancelled, has not ended.

    Args:
        board: where the event goes.
        attempt: whose call it is.
        request: which tool, with what.
        handler: calls it.
    """
    tool = UNKNOWN if request.tool is None else identifier(request.tool.name) or UNKNOWN
    about = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": tool,
        "gen_ai.tool.call.id": identifier(request.tool_call.get("id")),
        "gen_ai.tool.type": "function",
    }
    began = host_seconds()
    try:
        with span(f"execute_tool {tool}", about) as traced:
            result = await handler(request)
            ok = not isinstance(result, ToolMessage) or result.status != "error"
            if not ok:
                traced.failed("tool_error")
    except BaseException as error:  # logged and raised on
        if not passes_through(error):
            await _log(board, attempt, tool, host_seconds() - began, ok=False)
        raise
    await _log(board, attempt, tool, host_seconds() - began, ok=ok)
    return result


async def _log(board: Board, attempt: Attempt, tool: str, seconds: float, *, ok: bool) -> None:
    await board.events.append(
        "tool.call",
        {"tool": tool, "seconds": round(seconds, 3), "ok": ok},
        agent=attempt.agent,
        run=attempt.run,
        task=attempt.task_id,
        fence=attempt.fence,
    )
