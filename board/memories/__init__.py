"""The rows of memory on the board."""

from __future__ import annotations

from neveridle.board.memories.store import Memories

__all__ = ["Memories"]
