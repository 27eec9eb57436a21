"""Search without an index: every row is compared. For whom the index is not open."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from neveridle.board.memory_row import MemoryRow
from neveridle.memory.embedding import Embedder


class ExactSearch:
    """Compares a query with rows embedded on the fly.

    Args:
        embedder: makes the vectors.
        keep: vectors kept for the next query, least recently used ones dropped first.
    """

    def __init__(self, embedder: Embedder, *, keep: int = 4_000) -> None:
        self._embedder = embedder
        self._keep = keep
        self._vectors: OrderedDict[tuple[int, str], list[float]] = OrderedDict()

    async def search(
        self, vector: Sequence[float], rows: Sequence[MemoryRow], k: int
    ) -> list[tuple[MemoryRow, float]]:
        """The ``k`` closest rows with their cosine, closest first, newer before older."""
        if not rows:
            return []
        import numpy as np

        new = [row for row in rows if (row.id, row.text) not in self._vectors]
        made = dict(
            zip(
                [(row.id, row.text) for row in new],
                await self._embedder.embed([row.text for row in new]),
                strict=True,
            )
        )
        known = [made.get((row.id, row.text)) or self._vectors[row.id, row.text] for row in rows]
        scores = np.asarray(known) @ np.asarray(vector)
        for row, value in zip(rows, known, strict=True):
            self._vectors[row.id, row.text] = value
            self._vectors.move_to_end((row.id, row.text))
        while len(self._vectors) > self._keep:
            self._vectors.popitem(last=False)
        best = sorted(range(len(rows)), key=lambda i: (-float(scores[i]), -rows[i].id))[:k]
        return [(rows[i], float(scores[i])) for i in best]
