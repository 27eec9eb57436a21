"""Pays for what an attempt uses, and stops it at its limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.types import Command

from neveridle.agents.account import Account
from neveridle.errors import LimitReached
from neveridle.memory.compaction.counting import Tally, message_tokens, tool_tokens
from neveridle.tools.folded import calls_made
from neveridle.tools.progress import Progress
from neveridle.tools.redact import redact_values

# The middleware neither adds to the agent's state nor to its context.
_Base = AgentMiddleware[Any, Any, Any]


class Meter(_Base):
    """Middleware that pays for every call, and enforces the limits of one attempt.

    What was used is counted in the conversation itself, which is durable: a resumed
    attempt does not start again from zero. It wraps the calls instead of adding steps,
    since every step of the graph is written to disk.

    Args:
        account: what pays for calls of the model, and logs them.
        purpose: what the model is asked for, such as ``work``.
        progress: told of what finishes.
        model_calls: how many calls of the model the attempt may make.
        tool_calls: how many calls of tools.
    """

    def __init__(
        self,
        account: Account,
        *,
        purpose: str,
        progress: Progress,
        model_calls: int,
        tool_calls: int,
    ) -> None:
        super().__init__()
        self._account = account
        self._purpose = purpose
        self._progress = progress
        self._model_calls = model_calls
        self._tool_calls = tool_calls
        self._tally = Tally()
        self._fixed: tuple[object, int, int] = (None, -1, 0)

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Refuse the call beyond the limit; log the one made."""
        used, _ = calls_made(request.messages)
        if used >= self._model_calls:
            msg = f"The attempt used all of its {self._model_calls} model calls."
            raise LimitReached(msg, remedy="limits.model_calls in neveridle.toml sets how many.")
        response = await self._account.call(
            self._purpose,
            lambda: handler(request),
            tokens=self._tally.total(request.messages) + self._around(request),
            answers=lambda response: [m for m in response.result if isinstance(m, AIMessage)],
        )
        self._progress.mark()
        return response

    def _around(self, request: ModelRequest[Any]) -> int:
        """The tokens of what is sent with every message; counted once for an attempt."""
        system, tools = request.system_message, request.tools
        if self._fixed[0] is not system or self._fixed[1] != len(tools):
            specs = getattr(request.response_format, "schema_specs", None) or []
            tokens = tool_tokens(tools) + tool_tokens([one.json_schema for one in specs])
            tokens += message_tokens(system) if system is not None else 0
            self._fixed = (system, len(tools), tokens)
        return self._fixed[2]

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Refuse the call beyond the limit."""
        _, used = calls_made(request.state["messages"])
        if used >= self._tool_calls:
            msg = f"The attempt used all of its {self._tool_calls} tool calls."
            raise LimitReached(msg, remedy="limits.tool_calls in neveridle.toml sets how many.")
        try:
            result = await handler(request)
        finally:
            self._progress.mark()
        if isinstance(result, ToolMessage) and isinstance(result.content, str):
            result.content = redact_values(result.content)  # neither prompt nor checkpoint has it
        return result
