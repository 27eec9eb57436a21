"""What a folded conversation still says of itself: how many calls it was."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

MARK: Final = "neveridle"
"""The key in ``additional_kwargs`` of messages that compaction itself wrote."""


def calls_made(messages: Iterable[BaseMessage]) -> tuple[int, int]:
    """How many answers of the model, and results of tools, a conversation has had.

    Those that were folded count as well: limits hold for all of an attempt.
    """
    model = tools = 0
    for message in messages:
        note: Any = message.additional_kwargs.get(MARK)
        if isinstance(note, dict):
            known = cast("dict[str, Any]", note)
            model += int(known.get("model_calls", 0))
            tools += int(known.get("tool_calls", 0))
        elif note is None:
            model += message.type == "ai"
            tools += message.type == "tool"
    return model, tools
