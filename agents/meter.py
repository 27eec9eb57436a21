"""Counts what an attempt uses, and stops it at its limits."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.types import Command

from neveridle.agents.tool_calls import called_tool
from neveridle.board import Attempt, Board
from neveridle.errors import LimitReached
from neveridle.tools.folded import calls_made
from neveridle.tools.models import call_model
from neveridle.tools.progress import Progress
from neveridle.tools.redact import redact_values
from neveridle.tools.resilience import Guard

# The middleware neither adds to the agent's state nor to its context.
_Base = AgentMiddleware[Any, Any, Any]


class Meter(_Base):
    """Middleware that logs every call, and enforces the limits of one attempt.

    What was used is counted in the conversation itself, which is durable: a resumed
    attempt does not start again from zero. It wraps the calls instead of adding steps,
    since every step of the graph is written to disk.

    Args:
        board: where calls are logged.
        attempt: whose calls these are.
        purpose: what the model is asked for, such as ``work``.
        progress: told of what finishes.
        model_calls: how many calls of the model the attempt may make.
        tool_calls: how many calls of tools.
        guard: what calls of the model pass; None: nothing.
    """

    def __init__(
        self,
        board: Board,
        attempt: Attempt,
        *,
        purpose: str,
        progress: Progress,
        model_calls: int,
        tool_calls: int,
        guard: Guard | None = None,
    ) -> None:
        super().__init__()
        self._guard = guard
        self._board = board
        self._attempt = attempt
        self._purpose = purpose
        self._progress = progress
        self._model_calls = model_calls
        self._tool_calls = tool_calls

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
        started = 0.0

        async def once() -> ModelResponse[Any]:
            nonlocal started
            started = time.monotonic()
            return await handler(request)

        response = await call_model(self._guard, once, model=request.model, purpose=self._purpose)
        answers = [m for m in response.result if isinstance(m, AIMessage)]
        await log_model_call(
            self._board, self._attempt, self._purpose, answers, time.monotonic() - started
        )
        self._progress.mark()
        return response

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Refuse the call beyond the limit; log the one made."""
        _, used = calls_made(request.state["messages"])
        if used >= self._tool_calls:
            msg = f"The attempt used all of its {self._tool_calls} tool calls."
            raise LimitReached(msg, remedy="limits.tool_calls in neveridle.toml sets how many.")
        try:
            result = await called_tool(self._board, self._attempt, request, handler)
        finally:
            self._progress.mark()
        if isinstance(result, ToolMessage) and isinstance(result.content, str):
            result.content = redact_values(result.content)  # neither prompt nor checkpoint has it
        return result


async def log_model_call(
    board: Board, attempt: Attempt, purpose: str, answers: list[AIMessage], seconds: float
) -> None:
    """Append the event from which calls, tokens and cost are counted."""
    usage = [answer.usage_metadata for answer in answers if answer.usage_metadata is not None]
    model = next((a.response_metadata.get("model_name") for a in answers), None)
    await board.events.append(
        "model.call",
        {
            "purpose": purpose,
            "model": model,
            "input_tokens": sum(u["input_tokens"] for u in usage),
            "output_tokens": sum(u["output_tokens"] for u in usage),
            "seconds": round(seconds, 3),
        },
        agent=attempt.agent,
        run=attempt.run,
        task=attempt.task_id,
        fence=attempt.fence,
    )
