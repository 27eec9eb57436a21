"""What of a conversation is kept, what is folded, and the conversation afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from neveridle.memory.compaction.counting import OVERHEAD, message_tokens
from neveridle.memory.compaction.groups import Group, group
from neveridle.memory.compaction.history import Folded, folded
from neveridle.memory.compaction.shorten import shorten_message
from neveridle.memory.compaction.summary import Sections, Summary
from neveridle.memory.compaction.text import (
    calls_of,
    content_text,
    is_bridge,
    is_head,
    message_text,
)
from neveridle.tools.folded import MARK
from neveridle.tools.redact import redact

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

LEAST: Final = 240
"""Tokens below which there is no room for a conversation."""
LARGEST_HEAD: Final = 8_000
"""Tokens of the message that holds the summary, however large the budget."""
BRIDGE: Final = "I go on from there."
_BRIDGE_TOKENS: Final = 12
_LEAST_HEAD: Final = 120


class BudgetTooSmall(ValueError):
    """The budget leaves no room for a conversation, whatever is folded."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes:
        before: the summary that stood there, empty where there was none.
        fold: the messages that are folded now, in order.
        keep: the messages that stay, some of them shortened.
        store: what has to be found again from now on, in full.
        head: tokens that the message with the summary may have.
    """

    before: Summary
    fold: list[BaseMessage]
    keep: list[BaseMessage]
    store: list[Folded]
    head: int


def plan(
    messages: Sequence[BaseMessage],
    budget: int,
    *,
    keep: int = 10,
    count: Callable[[BaseMessage], int] = message_tokens,
) -> Plan:
    """Decide what is folded so that a conversation fits its budget.

    The last ``keep`` messages stay as they are, and more where a call would be cut from its
    results. Where they are too large, what is enormous among them is shortened first; then
    fewer stay.

    Args:
        messages: the conversation without its system message, as compacted before.
        budget: tokens that it may have.
        keep: how many messages stay.
        count: how many tokens a message has.

    Raises:
        BudgetTooSmall: fewer than ``LEAST`` tokens are left.
    """
    if budget < LEAST:
        msg = f"{budget} tokens are left for the conversation; it needs {LEAST} at least"
        raise BudgetTooSmall(msg)
    before, rest = split(messages)
    opening = int(not before.folded and bool(rest) and rest[0].type == "human")
    groups = group(rest)
    cut = _first_cut(groups, len(rest), keep, opening)
    room = room_for_messages(budget)
    kept = list(rest[cut:])
    sizes = [count(message) for message in kept]
    if sum(sizes) > room:
        _shorten_largest(kept, sizes, room, before.folded + cut + 1, count)
    starts = [one.start for one in groups if one.start > cut] + [len(rest)]
    while sum(sizes) > room and starts:
        drop = starts.pop(0) - cut
        if drop >= len(kept):  # the last group: shortened as far as it can be, before it goes
            _shorten_all(kept, sizes, room, before.folded + cut + 1, count)
            if sum(sizes) <= room:
                break
        kept, sizes, cut = kept[drop:], sizes[drop:], cut + drop
    fold = list(rest[:cut])
    changed = [
        folded(original, before.folded + cut + at + 1)
        for at, (original, now) in enumerate(zip(rest[cut:], kept, strict=True))
        if original is not now
    ]
    store = [folded(one, before.folded + at + 1) for at, one in enumerate(fold)] + changed
    head = min(budget - sum(sizes) - _BRIDGE_TOKENS - OVERHEAD, LARGEST_HEAD)
    return Plan(before, fold, kept, store, head)


def room_for_messages(budget: int) -> int:
    """The tokens of a budget that the kept messages may have; the summary has the others."""
    return budget - max(_LEAST_HEAD, min(budget // 4, 2_000)) - _BRIDGE_TOKENS


def finish(planned: Plan, sections: Sections) -> list[BaseMessage]:
    """The conversation afterwards: the summary, then what was kept.

    Args:
        planned: what ``plan`` decided.
        sections: the new summary's lines; see ``summary.PARTS``.
    """
    from langchain_core.messages import AIMessage, HumanMessage

    before = planned.before
    summary = Summary.from_dict(before.as_dict())
    summary.sections = sections
    for at, message in enumerate(planned.fold):
        number = before.folded + at + 1
        if number == 1 and message.type == "human":
            summary.opening = redact(content_text(message.content))
        summary.model_calls += message.type == "ai"
        summary.tool_calls += message.type == "tool"
        summary.ledger.add(_clean(message), number)
    summary.folded = before.folded + len(planned.fold)
    shown = "\n".join(map(message_text, planned.keep))
    head = HumanMessage(
        summary.render(planned.head, shown),
        id="folded",
        additional_kwargs={MARK: summary.as_dict()},
    )
    if planned.keep and planned.keep[0].type != "ai":
        bridge = AIMessage(BRIDGE, id="folded-bridge", additional_kwargs={MARK: "bridge"})
        return [head, bridge, *planned.keep]
    return [head, *planned.keep]


def split(messages: Sequence[BaseMessage]) -> tuple[Summary, list[BaseMessage]]:
    """The summary at a conversation's beginning, empty where there is none, and the rest."""
    if not messages or not is_head(messages[0]):
        return Summary(), list(messages)
    rest = messages[2:] if len(messages) > 1 and is_bridge(messages[1]) else messages[1:]
    return Summary.from_dict(messages[0].additional_kwargs[MARK]), list(rest)


def _first_cut(groups: Sequence[Group], size: int, keep: int, opening: int) -> int:
    """The last boundary that leaves ``keep`` messages, with nothing broken behind it."""
    cut = opening
    for one in groups:
        if not one.whole:
            cut = one.end
        elif one.start <= size - keep:
            cut = max(cut, one.start)
    return cut


def _clean(message: BaseMessage) -> BaseMessage:
    """A message without the secrets in its text and in its calls."""
    update: dict[str, Any] = {"content": redact(content_text(message.content))}
    if getattr(message, "tool_calls", None):
        update["tool_calls"] = [
            {**call, "args": _without_secrets(call.get("args"))} for call in calls_of(message)
        ]
    return message.model_copy(update=update)


def _without_secrets(args: Any) -> Any:
    text = json.dumps(args, default=str)
    clean = redact(text)
    if clean == text:
        return args
    try:
        return json.loads(clean)
    except ValueError:  # what was taken out held the JSON together
        return {}


def _shorten_largest(
    kept: list[BaseMessage],
    sizes: list[int],
    room: int,
    number: int,
    count: Callable[[BaseMessage], int],
) -> None:
    """Shorten each message that alone takes more than its part of the room."""
    for at, size in enumerate(sizes):
        if size > max(64, room // 3):
            kept[at] = shorten_message(kept[at], max(64, room // 4), number + at)
            sizes[at] = count(kept[at])


def _shorten_all(
    kept: list[BaseMessage],
    sizes: list[int],
    room: int,
    number: int,
    count: Callable[[BaseMessage], int],
) -> None:
    """Shorten a group until it fits, the largest messages most."""
    each = room // max(1, len(kept))
    spare = sum(max(0, each - size) for size in sizes)
    large = sum(size > each for size in sizes)
    for at, size in enumerate(sizes):
        if size > each:
            kept[at] = shorten_message(kept[at], each + spare // max(1, large), number + at)
            sizes[at] = count(kept[at])
