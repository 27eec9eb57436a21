"""The rows of memory on the board."""

from __future__ import annotations

from neveridle.board.memories.edits import CHANGEABLE, Edit, apply_edits, before
from neveridle.board.memories.outcomes import Effect, Outcome
from neveridle.board.memories.store import Memories
from neveridle.board.memories.uses import Use, Uses

__all__ = [
    "CHANGEABLE",
    "Edit",
    "Effect",
    "Memories",
    "Outcome",
    "Use",
    "Uses",
    "apply_edits",
    "before",
]
