"""What an attempt asks before it goes on, and what it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neveridle.board.inbox_item import ItemKind, NewItem

ASKED = "asked:"
"""How the kind of the link begins that leads from a peer's dispatch to the task that asks; the
interrupt's id follows."""
HUMAN = "human"
"""``waiting_on`` of a task that waits for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Something that is asked for, of a person or of a peer.

    Attributes:
        kind: a question or an approval; for a peer always a question.
        title: in a line, without secrets.
        body: at length, without secrets.
        interrupt: the id of LangGraph's interrupt that the answer resumes; empty: none.
        action: for an approval, what is to be done.
        what: for an approval, what tells it from others of its task; empty: the interrupt.
        evidence: plain JSON, without secrets.
        peer: the agent that is asked; empty: people are.
    """

    kind: ItemKind = ItemKind.QUESTION
    title: str
    body: str = ""
    interrupt: str = ""
    action: str = ""
    what: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict[str, Any])
    peer: str = ""

    def item(self, *, agent: str, task: int, fence: int) -> NewItem:
        """The inbox item that it becomes."""
        return NewItem(
            kind=self.kind,
            fingerprint=self.fingerprint(task),
            title=self.title,
            body=self.body,
            action=self.action,
            evidence=self.evidence,
            agent=agent,
            task=task,
            fence=fence,
            interrupt=self.interrupt,
        )

    def fingerprint(self, task: int) -> str:
        """What makes two the same."""
        return f"{self.action or 'ask'}:{task}:{self.what or self.interrupt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an attempt was answered.

    Attributes:
        interrupt: the id of the interrupt that it resumes; empty: none.
        kind: what was asked for.
        approved: whether a person said yes, or a question was answered at all.
        text: the words, as they were given: data.
        by: who said it.
        peer: whether an agent did.
        item: the inbox item, or the peer's task.
        question: what was asked, in a line.
    """

    interrupt: str
    kind: ItemKind
    approved: bool
    text: str
    by: str
    item: int
    peer: bool = False
    question: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As it goes into a conversation's checkpoint: plain JSON."""
        return {
            "kind": str(self.kind),
            "approved": self.approved,
            "text": self.text,
            "by": self.by,
            "item": self.item,
            "peer": self.peer,
        }
