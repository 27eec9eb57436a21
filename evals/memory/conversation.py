"""Conversations with questions, whose answers stand in certain turns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody said.

    Attributes:
        id: names it within its conversation.
        author: who said it.
        text: what was said, with the captions of pictures that were shown; never empty.
    """

    id: str
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Session:
    """Turns of one sitting, in order.

    Attributes:
        name: what the file calls it, such as ``session_3``.
        at: when it began, in seconds since 1970; None: no session of the file says.
    """

    name: str
    at: float | None
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the turns that hold its answer.

    Attributes:
        category: what kind of question the file calls it, such as ``1``.
        evidence: ids of turns of the conversation, at least one, each once.
    """

    text: str
    category: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """What of a file is not measured.

    Attributes:
        conversation: the conversation's name.
        what: the question, or the turn's id.
        why: in words.
        detail: what exactly, such as the ids that no turn has.
    """

    conversation: str
    what: str
    why: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation and what is asked about it.

    Attributes:
        name: unique among those that were read together.
    """

    name: str
    sessions: tuple[Session, ...]
    questions: tuple[Question, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns of all sessions, in order."""
        return tuple(turn for session in self.sessions for turn in session.turns)
