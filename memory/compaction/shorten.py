"""Shortening what is too long in its middle: beginnings and ends tell the most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from neveridle.memory.compaction.counting import message_tokens
from neveridle.memory.compaction.estimate import estimate_tokens
from neveridle.memory.compaction.text import calls_of, content_text

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage


def shorten_text(text: str, tokens: int, note: str) -> str:
    """``text`` within so many tokens, its middle replaced by a note.

    Args:
        text: what is too long.
        tokens: how many it may have, the note included; the note stays even beyond.
        note: what stands in the middle; ``{left}`` becomes the number of characters left out.
    """
    size = estimate_tokens(text)
    if size <= tokens:
        return text
    room = tokens - estimate_tokens(note) - 2
    keep = max(0, min(len(text) - 1, len(text) * room // size))
    for _ in range(12):  # parts differ in how many characters a token has
        short = _without_middle(text, keep, note)
        size = estimate_tokens(short)
        if size <= tokens or keep == 0:
            return short
        keep = min(keep * 9 // 10, keep * tokens // size)
    return _without_middle(text, 0, note)


def _without_middle(text: str, keep: int, note: str) -> str:
    if keep >= len(text):
        return text
    head = keep - keep // 3  # more of the beginning, where keys and headings stand
    tail = text[len(text) - keep // 3 :] if keep // 3 else ""
    return f"{text[:head]}\n{note.format(left=len(text) - keep)}\n{tail}".strip("\n")


def shorten_message(message: BaseMessage, tokens: int, number: int) -> BaseMessage:
    """A copy of a message within so many tokens, as far as that can be.

    Its id, role, calls and their names stay; texts in content and arguments are shortened.

    Args:
        message: what is too long.
        tokens: how many it may have.
        number: its number in the whole conversation, by which it is found in full.
    """
    note = (
        f"[… {{left}} characters are left out here; recall_history(number={number}) shows them …]"
    )
    room = tokens
    short = message
    for _ in range(6):  # each round gives less, until it fits
        short = _shortened(message, room, note)
        over = message_tokens(short) - tokens
        if over <= 0 or room <= 0:
            break
        room = max(0, min(room - over, room * 3 // 4))
    return short


def _shortened(message: BaseMessage, tokens: int, note: str) -> BaseMessage:
    calls = calls_of(message)
    share = tokens // (len(calls) + 1)
    text = content_text(message.content)
    update: dict[str, Any] = {
        "content": shorten_text(text, max(share, tokens - share * len(calls)), note)
    }
    if calls:
        kept = {
            key: value
            for key, value in message.additional_kwargs.items()
            if key not in {"tool_calls", "function_call"}  # the same calls again, in full
        }
        update["additional_kwargs"] = kept
        for name in ("tool_calls", "invalid_tool_calls"):
            known = cast("list[dict[str, Any]]", getattr(message, name, None) or [])
            update[name] = [
                {**call, "args": _short_args(call.get("args"), share, note)} for call in known
            ]
    return message.model_copy(update=update)


def _short_args(args: Any, tokens: int, note: str) -> Any:
    leaves = max(1, _leaves(args))
    each = max(1, tokens // leaves)

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return shorten_text(value, each, note)
        if isinstance(value, dict):
            return {key: walk(inner) for key, inner in cast("dict[str, Any]", value).items()}
        if isinstance(value, list):
            return [walk(inner) for inner in cast("Sequence[Any]", value)]
        return value

    return walk(args)


def _leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_leaves(inner) for inner in cast("dict[str, Any]", value).values())
    if isinstance(value, list):
        return sum(_leaves(inner) for inner in cast("Sequence[Any]", value))
    return 1
