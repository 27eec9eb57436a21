"""Consolidation: what says the same becomes one memory, and what harms is retired; undoable."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neveridle.board.memories.consolidations import Consolidation, Step
from neveridle.board.memories.store import Memories
from neveridle.board.memory_row import MemoryRow, Signals
from neveridle.memory.embedding import Embedder, model_of
from neveridle.memory.learning.effect import Effect, effects_of
from neveridle.memory.learning.planning import KINDS, Merge, plan_merges

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LIMIT: Final = 20_000
"""Memories looked at at once, the newest: twenty thousand take some seconds."""


@dataclass(frozen=True, slots=True)
class Consolidated:
    """What a consolidation did, or would do.

    Attributes:
        looked_at: how many memories were compared.
        merges: what was merged into what.
        retired: the memories retired, with their effect.
        made: the consolidations, by whose numbers it is undone; empty on a dry run, or where
            nothing was done.
        left: merges that were not done because their memories changed meanwhile.
    """

    looked_at: int
    merges: list[Merge]
    retired: list[tuple[MemoryRow, Effect]]
    made: list[Consolidation]
    left: int = 0


class Consolidator:
    """Consolidates the memories of an agent, or of the team.

    Args:
        memories: the rows.
        embedder: makes the vectors that rows do not have yet.
    """

    def __init__(self, memories: Memories, embedder: Embedder) -> None:
        self._memories = memories
        self._embedder = embedder

    async def consolidate(
        self, *, agent: str | None = None, cause: str = "person", review: bool = True,
        dry_run: bool = False,
    ) -> Consolidated:  # fmt: skip
        """Merge what says the same, and retire what clearly harms.

        Args:
            agent: whose memories; None: the whole team's.
            cause: why; see ``neveridle.board.memories.consolidations``.
            review: whether memories are retired, too.
            dry_run: change nothing, only say what would change.
        """
        merges, looked_at = await self.plan(agent)
        retired = await self.harmful(agent) if review else []
        gone = {row.id for merge in merges for row in (merge.before, *merge.merged)}
        retired = [(row, effect) for row, effect in retired if row.id not in gone]
        if dry_run:
            return Consolidated(looked_at, merges, retired, [])
        store = self._memories.consolidations
        made, left = await store.apply(
            [_steps(merge) for merge in merges], agent=agent or "", cause=cause
        )
        done = [made] if made.changed else []
        if retired:
            one, _ = await store.apply(
                [[Step(row, {"state": "retired"})] for row, _ in retired],
                agent=agent or "", cause="review",
            )  # fmt: skip
            done.append(one)
        return Consolidated(looked_at, merges, retired, done, left)

    async def plan(self, agent: str | None = None) -> tuple[list[Merge], int]:
        """The merges that would be made, and how many memories were compared."""
        found = await self._memories.consolidations.candidates(
            agent=agent, kinds=KINDS, limit=LIMIT
        )
        if len(found) < 2:
            return [], len(found)
        vectors = await self._vectors(found)
        rows = [row for row, _ in found]
        return await asyncio.to_thread(plan_merges, rows, vectors), len(found)

    async def harmful(self, agent: str | None = None) -> list[tuple[MemoryRow, Effect]]:
        """Live memories with which success is clearly rarer; what a person said is left alone."""
        effects = {
            one.memory: one for one in effects_of(await self._memories.uses.ended()) if one.harmful
        }
        rows = await self._memories.get(sorted(effects))
        return [
            (row, effects[row.id])
            for row in rows
            if row.state == "live"
            and row.origin != "person"
            and row.kind in KINDS
            and agent in (None, row.agent)
        ]

    async def _vectors(self, found: Sequence[tuple[MemoryRow, Signals]]) -> NDArray[np.float32]:
        import numpy as np

        model = await model_of(self._embedder)
        known = {
            row.id: np.frombuffer(signals.dense, dtype="<f2").astype(np.float32)
            for row, signals in found
            if signals.dense is not None and signals.model == model
        }
        missing = [row for row, _ in found if row.id not in known]
        for row, vector in zip(
            missing, await self._embedder.embed([row.text for row in missing]), strict=True
        ):
            # As it would be read from the board, so that the next look judges the same.
            known[row.id] = np.asarray(vector, dtype="<f2").astype(np.float32)
        rows = np.stack([known[row.id] for row, _ in found])
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)


def _steps(merge: Merge) -> list[Step]:
    after, before = merge.survivor, merge.before
    changed = {
        name: value
        for name, value, old in (
            ("strength", after.strength, before.strength),
            ("importance", after.importance, before.importance),
            ("tags", list(after.tags), list(before.tags)),
        )
        if value != old
    }
    gone = {"state": "superseded", "superseded_by": before.id}
    return [Step(before, changed), *(Step(row, gone) for row in merge.merged)]
