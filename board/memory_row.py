"""A row of memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """One memory, as it stands on the board.

    Attributes:
        id: the board's number for it; rises with each row, never used twice.
        agent: whose memory it is.
        kind: what it is, such as ``learning``.
        text: what is remembered, secrets already taken out.
        source: where it came from, such as ``task:12``; empty when unknown.
        importance: 0 to 1.
        at: when it was remembered, in seconds since 1970, by the board's clock.
        trusted: whether a second, independent attempt bore it out.
    """

    id: int
    agent: str
    kind: str
    text: str
    tags: tuple[str, ...]
    source: str
    importance: float
    at: float
    trusted: bool
