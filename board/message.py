"""Messages: what the team says in its channels."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One message in a channel such as ``dev``."""

    id: int
    channel: str
    author: str
    content: str
    at: float
