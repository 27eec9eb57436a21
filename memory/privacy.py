"""Who sees which memory: the one place where it is decided.

Whatever leaves memory (hits, explanations, exports, reports) has its rows from a ``View``.
Indexes and masks that leave out more than that are for speed; nothing relies on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from neveridle.board.memory_row import MemoryRow


class Rows(Protocol):
    """Where rows are read."""

    async def get(self, ids: Sequence[int]) -> list[MemoryRow]:
        """The rows with these ids, in their order; ids without a row are left out."""
        ...


def sees(viewer: str | None, row: MemoryRow) -> bool:
    """Whether a memory may be shown: its own agent's, shared with the team, or public.

    Args:
        viewer: who looks; None: the operator, who sees all.
        row: the memory.
    """
    return viewer is None or row.agent == viewer or row.visibility in ("team", "public")


class View:
    """The rows as one of the team sees them.

    Args:
        rows: all rows.
        viewer: who looks; None: the operator.
    """

    def __init__(self, rows: Rows, viewer: str | None) -> None:
        self._rows = rows
        self.viewer = viewer

    async def get(self, ids: Sequence[int]) -> list[MemoryRow]:
        """The rows with these ids that the viewer may see, in their order.

        What it may not see is left out just as what is not there.
        """
        return [row for row in await self._rows.get(ids) if sees(self.viewer, row)]
