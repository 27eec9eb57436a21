"""Finding what is known already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from neveridle.board.memory_row import MemoryRow
from neveridle.memory.embedding import Embedder
from neveridle.memory.learning.twins import core, says_the_same

NEAR = 12
"""Memories near a new lesson that are compared with it."""


class Found(Protocol):
    """A recalled memory."""

    @property
    def row(self) -> MemoryRow:
        """The memory."""
        ...


class Recalls(Protocol):
    """What finds memories: ``Memory`` does."""

    async def recall(
        self, query: str, *, k: int, agent: str | None, kinds: Sequence[str]
    ) -> Sequence[Found]:
        """The ``k`` best memories of these kinds that ``agent`` sees."""
        ...


async def known_lesson(
    memory: Recalls, embedder: Embedder, text: str, *, agent: str, visibility: str = "team"
) -> MemoryRow | None:
    """The live lesson that says what a new one says; the most trusted, then the strongest.

    Args:
        memory: where to look.
        embedder: makes the vectors of the lessons themselves, without their grounds.
        text: the new lesson, as it will be remembered.
        agent: whose it is.
        visibility: who will see it: one that others see is not merged into one they do not.

    Raises:
        NeveridleError: memory, or the model of the vectors, is out of order.
    """
    lesson = core(text)
    hits = await memory.recall(lesson, k=NEAR, agent=agent, kinds=("learning",))
    near = [
        hit.row
        for hit in hits
        if hit.row.visibility == visibility and (visibility != "private" or hit.row.agent == agent)
    ]
    if not near:
        return None
    mine, *theirs = await embedder.embed([lesson, *(core(row.text) for row in near)])
    same = [
        row
        for row, vector in zip(near, theirs, strict=True)
        if says_the_same(lesson, core(row.text), sum(map(float.__mul__, mine, vector)))
    ]
    return max(same, key=lambda row: (row.trusted, row.strength, -row.id), default=None)
