"""Calling a model: behind the guard of its provider, its errors classified."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar, cast

from neveridle.errors import NeveridleError
from neveridle.tools.models.failures import classify_model_error

if TYPE_CHECKING:
    from neveridle.tools.resilience import Guard

T = TypeVar("T")


async def call_model(guard: Guard | None, work: Callable[[], Awaitable[T]]) -> T:
    """Call a model, again where that helps; asking twice does nothing twice.

    Args:
        guard: the provider's; None: there is none, as of a recording.
        work: makes one call.

    Raises:
        NeveridleError: what the provider's error means; see ``classify_model_error``.
    """
    from langgraph.errors import GraphBubbleUp

    if guard is None:
        try:
            return await work()
        except (NeveridleError, GraphBubbleUp):
            raise
        except Exception as error:  # whatever a provider raises: it says who must act
            raise classify_model_error(error) from error
    passing: list[GraphBubbleUp] = []

    async def once() -> T | None:
        try:
            return await work()
        except GraphBubbleUp as bubble:  # LangGraph's own way of pausing: no error of a call
            passing.append(bubble)
            return None

    result = await guard.call(once, repeatable=True)
    if passing:
        raise passing[0]
    return cast("T", result)
