"""Permits: how many calls of one thing are on their way at once, in all processes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from neveridle.board.database import Database
from neveridle.board.storable import storable

WAITS: Final = 2.0
"""Seconds by the board's clock for which who found no room keeps its place in the line."""


class PermitPaths(Protocol):
    """The part of a database in which permits are; each is one hop."""

    async def take(
        self, names: Sequence[tuple[str, int]], run: str, seconds: float, waits: float
    ) -> list[int] | None:
        """The permits' ids, one for each name; None: one of them has no room.

        Args:
            names: what is called, and how many calls of it there may be.
            run: who calls.
            seconds: after which the permits end by themselves.
            waits: seconds for which it has a place in the line where there is no room; 0:
                it does not wait.
        """
        ...

    async def give_back(self, ids: Sequence[int]) -> None:
        """End these permits."""
        ...

    async def renew(self, ids: Sequence[int], seconds: float) -> bool:
        """Let them end later; whether all of them were still there."""
        ...


class Permits:
    """``board.permits``; see ``docs/design/budgets.md``."""

    def __init__(self, database: Database) -> None:
        self._paths = database.permits
        self._held: dict[int, list[int]] = {}
        self._freed = asyncio.Event()

    async def take(
        self, names: Sequence[tuple[str, int]], run: str, seconds: float, *, waits: bool = False
    ) -> int | None:
        """Permits for one call, all or none.

        Args:
            names: what is called, each with the number of calls of it that there may be at
                once; each name once.
            run: who calls, as a name on the board.
            seconds: after which the permits end, should their holder die.
            waits: whether it will ask again within two seconds. It has a place in the line
                then, and who comes later goes behind it; else those who give back and take
                at once would leave nothing to the others.

        Returns:
            What to give back; None: there is no room.
        """
        known = [(storable(name), cap) for name, cap in names]
        ids = await self._paths.take(known, storable(run), seconds, WAITS if waits else 0.0)
        if not ids:
            return None
        self._held[ids[0]] = ids
        return ids[0]

    async def give_back(self, permit: int) -> None:
        """End a permit of this process; nothing happens where it has ended."""
        ids = self._held.pop(permit, [permit])
        try:
            await self._paths.give_back(ids)
        finally:
            freed, self._freed = self._freed, asyncio.Event()
            freed.set()

    async def renew(self, permit: int, seconds: float) -> bool:
        """Let a permit end only so many seconds from now.

        Returns:
            Whether it was still held; if not, somebody else may have it.
        """
        return await self._paths.renew(self._held.get(permit, [permit]), seconds)

    @property
    def freed(self) -> asyncio.Event:
        """Set when this process next gives a permit back."""
        return self._freed


def line(name: str) -> str:
    """Under which name they wait in the table who wait for another one."""
    return f"~{name}"
