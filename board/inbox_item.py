"""What waits for a person: questions, approvals, alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ItemKind(StrEnum):
    """What a person is to do with an item."""

    QUESTION = "question"
    """Answer in words; a parked attempt goes on with them."""
    APPROVAL = "approval"
    """Say yes or no to something that is not done before."""
    ALERT = "alert"
    """Know of it, and act outside; it is dismissed, or withdrawn when it is over."""


class ItemState(StrEnum):
    """What became of an item."""

    OPEN = "open"
    ANSWERED = "answered"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"
    """Nobody needs to act any more: its task was cancelled, or what was wrong is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """An item as it is asked for.

    Attributes:
        kind: see ``ItemKind``.
        fingerprint: what makes two the same: while one is open, the other counts into it.
        title: what it is about, in a line.
        body: at length.
        level: ``HUMAN_ALERT`` or ``EMERGENCY``.
        action: for an approval, what is to be done: ``merge``, ``deploy``, ``spend``,
            ``command``.
        evidence: what shows it, as plain JSON without secrets.
        agent, task, fence: whose it is; none: the team's.
        interrupt: the id of LangGraph's interrupt that its answer resumes; empty: none.
    """

    kind: ItemKind
    fingerprint: str
    title: str
    body: str = ""
    level: str = "HUMAN_ALERT"
    action: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict[str, Any])
    agent: str | None = None
    task: int | None = None
    fence: int | None = None
    interrupt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item as it is on the board; see ``NewItem``.

    Attributes:
        answer: what a person said: ``{"approved": true, "text": "…"}``; None: nothing yet.
        count: how often the same was asked for while it was open.
        raises: how often people were told of it.
        raise_at: when they are told again; None: not any more.
    """

    id: int
    kind: ItemKind
    state: ItemState
    level: str
    fingerprint: str
    title: str
    body: str
    action: str
    evidence: dict[str, Any]
    agent: str | None
    task: int | None
    fence: int | None
    interrupt: str
    answer: dict[str, Any] | None
    answered_by: str
    count: int
    raises: int
    created_at: float
    seen_at: float
    raised_at: float | None
    raise_at: float | None
    closed_at: float | None

    @property
    def approved(self) -> bool:
        """Whether a person said yes."""
        return bool(self.answer and self.answer.get("approved"))


def code_of(fingerprint: str) -> str:
    """The code in an alert's fingerprint (``alert:<code>:<about>``); empty: it is no alert's."""
    kind, _, rest = fingerprint.partition(":")
    return rest.partition(":")[0] if kind == "alert" else ""
