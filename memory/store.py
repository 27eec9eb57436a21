"""The board as memory sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from neveridle.board.memory_row import MemoryRow


class MemoryStore(Protocol):
    """The rows of memory: the truth that the index is built from. The board implements it."""

    async def add_memory(
        self,
        *,
        agent: str,
        kind: str,
        text: str,
        tags: Sequence[str],
        source: str,
        importance: float,
        at: float | None,
        trusted: bool,
    ) -> int:
        """Store one row durably, not indexed yet; ``at=None`` is now. Returns its id."""
        ...

    async def memories(self, ids: Sequence[int]) -> list[MemoryRow]:
        """The rows with these ids, in any order; ids without a row are left out."""
        ...

    async def latest_memories(
        self, limit: int, *, before: int | None = None, agent: str | None = None
    ) -> list[MemoryRow]:
        """At most ``limit`` rows, highest id first.

        Args:
            limit: how many rows at most, at least 1.
            before: only ids below this one, to read on; None starts with the newest.
            agent: only this agent's; None is everybody's.
        """
        ...

    async def unindexed_memories(self, limit: int) -> list[MemoryRow]:
        """At most ``limit`` rows that ``mark_indexed`` has not named yet, oldest first."""
        ...

    async def mark_indexed(self, ids: Sequence[int]) -> None:
        """Record that the index holds these rows."""
        ...
