"""Vectors for rows that were stored without."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from neveridle.board.memory_row import Change, MemoryRow, Signals
from neveridle.memory.store import MemoryStore

Sign = Callable[[Sequence[MemoryRow]], Awaitable[list[Signals]]]
"""Makes the signals of rows, in their order."""
AT_ONCE: Final = 64  # rows given to the model in one call


def is_bare(change: Change) -> bool:
    """Whether nothing is computed yet for a row that can be recalled, such as a lesson."""
    return change.row.state == "live" and not change.signals.model


async def fill(store: MemoryStore, sign: Sign, ids: Sequence[int]) -> int:
    """Make what recall computes with for rows that have nothing of it; how many got it.

    Of several processes that do so at once each stores the same. Rows that are forgotten
    meanwhile are passed over.
    """
    done = 0
    for first in range(0, len(ids), AT_ONCE):
        rows = [r for r in await store.get(ids[first : first + AT_ONCE]) if r.state == "live"]
        if rows:
            made = await sign(rows)
            await store.put_signals({row.id: one for row, one in zip(rows, made, strict=True)})
            done += len(rows)
    return done
