"""A recalled memory, and in words why it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neveridle.board.memory_row import MemoryRow


@dataclass(frozen=True, slots=True)
class Hit:
    """A recalled memory.

    Attributes:
        row: the memory, with its provenance: agent, author, source, time, task.
        score: 0 to 1; comparable between the hits of one recall.
        why: in one line, what found it.
        reasons: the same as numbers: ``dense_rank``, ``lexical_rank``, ``late_rank`` (1 is best;
            absent where that signal did not find it), ``cosine``, ``neighbour`` (the id of the
            memory beside it that led here), ``recency``, ``importance``, ``trust`` and others.
    """

    row: MemoryRow
    score: float
    why: str
    reasons: Mapping[str, float] = field(default_factory=dict[str, float])


def why_of(reasons: Mapping[str, float]) -> str:
    """The reasons in one line."""
    parts: list[str] = []
    if (rank := reasons.get("dense_rank")) is not None:
        cosine = reasons.get("cosine", reasons.get("dense"))
        near = "" if cosine is None else f" (cosine {cosine:.2f})"
        parts.append(f"{ordinal(int(rank))} in meaning{near}")
    if (rank := reasons.get("lexical_rank")) is not None:
        parts.append(f"{ordinal(int(rank))} by words")
    if (rank := reasons.get("late_rank")) is not None:
        parts.append(f"{ordinal(int(rank))} word by word")
    if (beside := reasons.get("neighbour")) is not None and beside >= 0:
        parts.append(f"beside #{int(beside)}")
    if reasons.get("recency", 1.0) < 0.9:
        parts.append("old")
    return ", ".join(parts) or "within the scope"


def ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``3rd``, ``4th``."""
    ending = (
        "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number}{ending}"
