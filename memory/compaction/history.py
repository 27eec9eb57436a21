"""The folded messages of a conversation, in full, and how they are found again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from neveridle.memory.compaction.text import message_text
from neveridle.tools.redact import redact

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage


@dataclass(frozen=True, slots=True)
class Folded:
    """A message that is no longer in the conversation, or no longer in full.

    Attributes:
        number: its place in the whole conversation, from 1.
        id: the message's id; nothing is kept twice under one.
        role: ``human``, ``ai`` or ``tool``.
        name: of the tool, where it is the result of one.
        text: all that it says, its secrets taken out.
    """

    number: int
    id: str
    role: str
    name: str
    text: str


class FoldedHistory(Protocol):
    """Where folded messages are kept; durable before ``add`` returns."""

    async def add(self, messages: Sequence[Folded]) -> None:
        """Keep messages; one whose number is there already stays as it is."""
        ...

    async def all(self) -> list[Folded]:
        """Everything kept, by number."""
        ...


class ListHistory:
    """A history in memory, for a conversation that ends with its process."""

    def __init__(self) -> None:
        self._kept: dict[int, Folded] = {}

    async def add(self, messages: Sequence[Folded]) -> None:
        """See ``FoldedHistory``."""
        for one in messages:
            self._kept.setdefault(one.number, one)

    async def all(self) -> list[Folded]:
        """See ``FoldedHistory``."""
        return [self._kept[number] for number in sorted(self._kept)]


def folded(message: BaseMessage, number: int) -> Folded:
    """A message as it is kept."""
    return Folded(
        number=number,
        id=str(message.id or f"number-{number}"),
        role=message.type,
        name=str(message.name or ""),
        text=redact(message_text(message)),
    )
