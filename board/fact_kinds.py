"""Which events say what, in the words in which indexes and queries of them agree."""

from __future__ import annotations

from typing import Final

RUN_ENDS: Final = ("run.ended", "run.died")
ENDS: Final = (
    "task.completed",
    "attempt.failed",
    "attempt.released",
    "attempt.parked",
    "attempt.expired",
    "task.blocked",
    "task.handed_off",
    "task.cancelled",
    *RUN_ENDS,
)
"""Kinds by which an attempt or a run may end; it did where the event has ``started_at``."""
SEPARATOR: Final = "\x1f"
"""Between the parts of ``spent``: agent, rung, purpose, model, and ``idle`` or nothing."""
NAME: Final = 80
"""Characters of each part: an index has little room for a name without end."""
TOP: Final = 999_999_999_999_999
"""The largest number of tokens, nano-dollars or calls that one event can mean."""
NEWEST: Final = 99_999_999_999
"""The largest time, in seconds since 1970."""


def listed(kinds: tuple[str, ...]) -> str:
    """Kinds as a list in SQL."""
    return "(" + ", ".join(f"'{kind}'" for kind in kinds) + ")"


ENDINGS: Final = f"kind IN {listed((*ENDS, 'task.escalated'))}"
"""What the index of ends holds; whoever reads it says the same, or it is not used."""
