"""The live rows of memory in this process, as far as they decide what is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neveridle.board.memory_row import MemoryRow
from neveridle.memory.privacy import sees
from neveridle.memory.scope import WORKING, Scope
from neveridle.memory.store import MemoryStore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH = 2_000
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Found:
    """A memory that answers, and why; see ``neveridle.memory.hit.Hit``."""

    id: int
    score: float
    reasons: Mapping[str, float]


class Library:
    """Follows the board's changes and searches the rows of a scope."""

    def __init__(self, store: MemoryStore, *, short_days: float, short_tasks: int) -> None:
        self._store = store
        self._short = (short_days * DAY, short_tasks)
        self._revision = 0
        self._rows: dict[int, MemoryRow] = {}
        self._vectors: dict[int, NDArray[np.float16]] = {}

    async def refresh(self) -> None:
        """Learn of all changes that are committed by now."""
        import numpy as np

        while changes := await self._store.changes(self._revision, _BATCH):
            for one in changes:
                row = one.row
                self._rows.pop(row.id, None)
                self._vectors.pop(row.id, None)
                if row.state == "live":
                    self._rows[row.id] = row
                    if one.signals.dense is not None:
                        self._vectors[row.id] = np.frombuffer(one.signals.dense, "<f2")
            self._revision = changes[-1].row.revision

    def layer_of(self, row: MemoryRow, now: float) -> str:
        """The layer a row is in at a time."""
        if row.kind == WORKING:
            return "working"
        days, _ = self._short
        if row.at < now - days:
            return "long"
        return "short" if row.task is None or row.task in self._last_tasks(row.agent) else "long"

    def _last_tasks(self, agent: str) -> frozenset[int]:
        last: dict[int, None] = {}
        for row in sorted(self._rows, reverse=True):
            one = self._rows[row]
            if one.agent == agent and one.task is not None:
                last[one.task] = None
                if len(last) == self._short[1]:
                    break
        return frozenset(last)

    def search(
        self, query: NDArray[np.float32], scope: Scope, now: float, k: int
    ) -> Sequence[Found]:
        """The ``k`` best rows of a scope, best first."""
        import numpy as np

        ids = [
            number
            for number, row in self._rows.items()
            if number in self._vectors
            and sees(scope.agent, row)
            and not scope.against(row, self.layer_of(row, now))
        ]
        if not ids:
            return []
        scores = np.stack([self._vectors[one] for one in ids]).astype(np.float32) @ query
        best = sorted(range(len(ids)), key=lambda i: (-float(scores[i]), -ids[i]))[:k]
        return [
            Found(
                ids[i],
                max(0.0, min(1.0, float(scores[i]))),
                {"dense_rank": rank, "cosine": float(scores[i])},
            )
            for rank, i in enumerate(best, start=1)
        ]
