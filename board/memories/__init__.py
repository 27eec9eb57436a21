"""The rows of memory on the board."""

from __future__ import annotations

from neveridle.board.memories.edits import CHANGEABLE, Edit, apply_edits, before
from neveridle.board.memories.store import Memories
from neveridle.board.memories.uses import Effect, Shown, Use, Uses

__all__ = [
    "CHANGEABLE",
    "Edit",
    "Effect",
    "Memories",
    "Shown",
    "Use",
    "Uses",
    "apply_edits",
    "before",
]
