"""Messages that belong together: a call of tools and all of its results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neveridle.memory.compaction.text import calls_of, result_of

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage


@dataclass(frozen=True, slots=True)
class Group:
    """Messages ``start`` up to ``end`` (excluded), kept or folded together.

    Attributes:
        start: the first message's index.
        end: the index after the last one's.
        whole: whether each call has exactly one result, and each result a call; what is not
            whole no provider accepts, so it is never kept. At the conversation's end results
            may be missing: they are about to come.
    """

    start: int
    end: int
    whole: bool


def group(messages: Sequence[BaseMessage]) -> list[Group]:
    """Split a conversation into groups, in order and without gaps."""
    found: list[Group] = []
    at = 0
    while at < len(messages):
        end = at + 1
        wanted = [str(call.get("id") or "") for call in calls_of(messages[at])]
        results: list[str | None] = []
        if wanted:
            while end < len(messages) and result_of(messages[end]) is not None:
                results.append(result_of(messages[end]))
                end += 1
            once = len(set(wanted)) == len(wanted) and len(set(results)) == len(results)
            some = end == len(messages) and set(results) < set(wanted)  # others are to come
            whole = once and (some or set(results) == set(wanted))
        else:
            whole = messages[at].type in {"human", "ai"}
        found.append(Group(at, end, whole))
        at = end
    return found
