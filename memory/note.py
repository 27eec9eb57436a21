"""What is given to memory: a note, or the turns of an episode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neveridle.board.memory_row import Origin, Visibility


@dataclass(frozen=True, slots=True)
class Note:
    """Something to remember.

    Attributes:
        text: what; beyond 16,000 characters it is cut, and says so.
        agent: whose memory it is.
        kind: what it is, such as ``learning``.
        tags: a few words to find it by.
        source: where it comes from, such as ``task:12``.
        importance: 0 to 1.
        at: when it happened, in seconds since 1970; None: now, by the board's clock.
        trusted: whether it is proven. What a tool or a tracker said is not, whatever is said here.
        visibility: who sees it: its agent alone, the team, or everybody.
        origin: whose words they are.
        task: the task that it was learnt in.
        author: who said it; empty: the agent.
    """

    text: str
    agent: str
    kind: str = "note"
    tags: tuple[str, ...] = ()
    source: str = ""
    importance: float = 0.5
    at: float | None = None
    trusted: bool = False
    visibility: Visibility = "private"
    origin: Origin = "agent"
    task: int | None = None
    author: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody said or did in an episode.

    Attributes:
        author: who.
        text: what.
        at: when, in seconds since 1970; None: now, by the board's clock.
    """

    author: str
    text: str
    at: float | None = None
