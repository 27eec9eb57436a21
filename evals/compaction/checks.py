"""Whether a conversation is one that every provider accepts; written apart from compaction."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage


def unpaired(messages: Sequence[BaseMessage]) -> int:
    """How many calls are without their result right behind them, and results without a call."""
    wrong = 0
    wanted: list[str] = []
    for message in messages:
        if message.type == "tool":
            call = str(getattr(message, "tool_call_id", ""))
            if call in wanted:
                wanted.remove(call)
            else:
                wrong += 1
            continue
        wrong += len(wanted)
        wanted = [str(call.get("id")) for call in _calls(message)]
    return wrong + len(wanted)


def misordered(messages: Sequence[BaseMessage], original: Sequence[BaseMessage] = ()) -> int:
    """How many messages stand where some provider refuses them.

    The first must be a person's. Two of one role may follow each other only where they did in
    the original.
    """
    known = {message.id for message in original}
    wrong = int(not messages or messages[0].type != "human")
    for before, message in pairwise(messages):
        if message.type not in {"human", "ai", "tool"}:
            wrong += 1
        elif before.type == message.type != "tool":
            wrong += not (before.id in known and message.id in known)
    return wrong


def summaries(messages: Sequence[BaseMessage], heading: str) -> int:
    """How many messages hold a summary."""
    return sum(
        isinstance(message.content, str) and heading in message.content for message in messages
    )


def _calls(message: BaseMessage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in ("tool_calls", "invalid_tool_calls"):
        found += cast("Sequence[dict[str, Any]]", getattr(message, name, None) or [])
    return found
