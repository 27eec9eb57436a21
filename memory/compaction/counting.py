"""Tokens of messages, counted once for each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from neveridle.memory.compaction.estimate import estimate_tokens
from neveridle.memory.compaction.text import OTHER_PART, call_text, calls_of, content_text

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

OVERHEAD: Final = 4
"""Tokens around a message: its role, and where it begins and ends."""
CALL_OVERHEAD: Final = 12
"""Tokens around a tool call: its id and its shape."""
_LOOKED_AT: Final = 4  # earlier messages that each check looks at again


def message_tokens(message: BaseMessage) -> int:
    """How many tokens a message has, as it is sent."""
    content: Any = message.content
    tokens = OVERHEAD + estimate_tokens(content_text(content))
    if isinstance(content, list):
        for part in cast("Sequence[Any]", content):
            if isinstance(part, dict) and not _is_text(cast("dict[str, Any]", part)):
                tokens += OTHER_PART
    for call in calls_of(message):
        tokens += CALL_OVERHEAD + estimate_tokens(call_text(call))
    if message.type == "tool":
        tokens += CALL_OVERHEAD
    return tokens


def tool_tokens(tools: Sequence[Any]) -> int:
    """How many tokens the definitions of tools have, as they are sent."""
    from langchain_core.utils.function_calling import convert_to_openai_tool

    total = 0
    for one in tools:
        try:
            shown: Any = one
            if not isinstance(one, dict):
                shown = convert_to_openai_tool(one)
        except (ValueError, TypeError):  # a provider's own kind of tool, described by itself
            shown = repr(cast("object", one))
        total += OVERHEAD + estimate_tokens(json.dumps(shown, default=str))
    return total


class Tally:
    """How many tokens a growing conversation has, at a cost that does not grow with it.

    What was counted stays counted as long as the conversation only grows at its end. That is
    seen by its first and last counted messages, which must be the same objects, and by a few
    others, in turn: a message replaced in the middle is noticed within a bounded number of
    checks.

    Args:
        count: how many tokens a message has.
    """

    def __init__(self, count: Callable[[BaseMessage], int] = message_tokens) -> None:
        self._count = count
        self._seen: list[BaseMessage] = []
        self._tokens: list[int] = []
        self._by_id: dict[str, tuple[BaseMessage, int]] = {}
        self._total = 0
        self._next = 0

    def total(self, messages: Sequence[BaseMessage]) -> int:
        """The tokens of all messages."""
        if not self._grew(messages):
            self._begin_again()
        for at in range(len(self._seen), len(messages)):
            self._add(messages[at])
        return self._total

    def each(self, messages: Sequence[BaseMessage]) -> list[int]:
        """The tokens of each message; every one of them is looked at."""
        return [self._tokens_of(message) for message in messages]

    def _grew(self, messages: Sequence[BaseMessage]) -> bool:
        seen = self._seen
        if not seen:
            return True
        if len(messages) < len(seen):
            return False
        for at in (0, len(seen) - 1, *self._audited()):
            if messages[at] is not seen[at] and not self._same(messages[at], seen[at]):
                return False
        return True

    def _audited(self) -> list[int]:
        begin, size = self._next, len(self._seen)
        self._next = (begin + _LOOKED_AT) % size
        return [(begin + step) % size for step in range(_LOOKED_AT)]

    def _begin_again(self) -> None:
        counted = zip(self._seen, self._tokens, strict=True)
        self._by_id = {one.id: (one, tokens) for one, tokens in counted if one.id is not None}
        self._seen, self._tokens, self._total, self._next = [], [], 0, 0

    def _add(self, message: BaseMessage) -> None:
        tokens = self._tokens_of(message)
        self._seen.append(message)
        self._tokens.append(tokens)
        self._total += tokens

    def _tokens_of(self, message: BaseMessage) -> int:
        known = self._by_id.get(message.id) if message.id is not None else None
        if known is not None and (known[0] is message or self._same(known[0], message)):
            return known[1]
        tokens = self._count(message)
        if message.id is not None:
            self._by_id[message.id] = (message, tokens)
        return tokens

    @staticmethod
    def _same(one: BaseMessage, other: BaseMessage) -> bool:
        """Whether two objects are one message; after a restart they are not the same object."""
        return (
            one.id is not None
            and one.id == other.id
            and one.content == other.content
            and calls_of(one) == calls_of(other)
        )


def _is_text(part: dict[str, Any]) -> bool:
    return any(
        isinstance(part.get(key), str) for key in ("text", "thinking", "reasoning")
    ) or part.get("type") in {"tool_use", "tool_call", "function_call"}
