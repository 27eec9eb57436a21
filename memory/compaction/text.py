"""What a message says, as plain text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from neveridle.tools.folded import MARK

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

# What a part that is no text costs, such as a picture; providers count between 85 and 1,600.
OTHER_PART: Final = 1_000


def is_head(message: BaseMessage) -> bool:
    """Whether a message is the one that holds the summary."""
    return isinstance(message.additional_kwargs.get(MARK), dict)


def is_bridge(message: BaseMessage) -> bool:
    """Whether a message only stands between two of a person's."""
    return message.additional_kwargs.get(MARK) == "bridge"


def calls_of(message: BaseMessage) -> list[dict[str, Any]]:
    """The tool calls of a message, valid or not: all of them want a result."""
    if message.type != "ai":
        return []
    valid = cast("list[dict[str, Any]]", getattr(message, "tool_calls", None) or [])
    broken = cast("list[dict[str, Any]]", getattr(message, "invalid_tool_calls", None) or [])
    return [*valid, *broken]


def result_of(message: BaseMessage) -> str | None:
    """The id of the call that a message is the result of; None: it is none."""
    if message.type != "tool":
        return None
    return str(getattr(message, "tool_call_id", ""))


def content_text(content: Any) -> str:
    """The text of a message's content; of other parts, what they are."""
    if isinstance(content, str):
        return content
    parts: list[str] = []
    for part in cast("Sequence[Any]", content) if isinstance(content, list) else [content]:
        if isinstance(part, str):
            parts.append(part)
        elif isinstance(part, dict):
            known = cast("dict[str, Any]", part)
            kind = str(known.get("type", "part"))
            text = known.get("text", known.get("thinking", known.get("reasoning")))
            if kind in {"tool_use", "tool_call", "function_call"}:
                continue  # told by the message's calls
            parts.append(text if isinstance(text, str) else f"[{kind}]")
    return "\n".join(parts)


def call_text(call: dict[str, Any]) -> str:
    """One tool call, on one line."""
    args: Any = call.get("args")
    said = args if isinstance(args, str) else json.dumps(args, ensure_ascii=False, default=str)
    return f"{call.get('name', '')}({said})"


def message_text(message: BaseMessage) -> str:
    """All that a message says: its content, then its tool calls."""
    parts = [content_text(message.content), *map(call_text, calls_of(message))]
    return "\n".join(part for part in parts if part)
