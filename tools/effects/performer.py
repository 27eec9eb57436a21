"""How a tool of the worker writes to a service: once, for the attempt it works in."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TypeAlias

from neveridle.board import Attempt, Board, Performed, Task
from neveridle.errors import ModelMistake
from neveridle.tools.effects.verb import Verb
from neveridle.tools.redact import redact

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


class Performer:
    """Performs effects for one attempt.

    Args:
        board: where they are recorded.
        attempt: the attempt a tool belongs to.
        outside: what surrounds a write to something that knows nothing of fences; None:
            nothing does.
    """

    def __init__(
        self,
        board: Board,
        attempt: Attempt,
        outside: Callable[[], AbstractAsyncContextManager[None]] | None = None,
    ) -> None:
        self._board = board
        self.attempt = attempt
        self._outside = outside or nullcontext

    async def task(self) -> Task:
        """The task as it stands on the board now."""
        return await self._board.tasks.get(self.attempt.task_id)

    async def once(
        self,
        verb: Verb,
        target: str,
        request: Any = None,
        *,
        occasion: str = "",
        again: bool = True,
    ) -> Performed:
        """Write to a service; see ``board.effects.once``.

        An agent that asks again for what was refused does it on purpose, unless a tool says
        otherwise: it may have repaired what was wrong.

        A tool lets its errors pass: those a model can do something about reach it, the
        others are answered by the graph.
        """
        async with self._outside():
            return await self._board.effects.once(
                self.attempt, verb, target, request, occasion=occasion, again=again
            )


ToolMaker: TypeAlias = "Callable[[Performer], Sequence[BaseTool]]"
"""Makes the tools of one attempt; ``team.tool_makers`` holds those of the services."""


def service_tool(method: Callable[..., Awaitable[str]]) -> BaseTool:
    """A tool for LangChain from a method with a docstring in Google's style.

    What a model can do something about (``ModelMistake``, and so a refusal by the service)
    is answered to it; every other error propagates.
    """
    from langchain_core.tools import StructuredTool, ToolException

    @functools.wraps(method)
    async def answered(**arguments: object) -> str:
        try:
            return redact(await method(**arguments))
        except ModelMistake as mistake:
            raise ToolException(redact(str(mistake))) from mistake

    return StructuredTool.from_function(
        coroutine=answered,
        name=method.__name__,
        parse_docstring=True,
        handle_tool_error=True,
        handle_validation_error=True,
    )
