"""What is over ages out: in small transactions, by one process at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from neveridle.board.aged_budgets import AgedBudgets
from neveridle.board.aged_forgotten import AgedForgotten
from neveridle.board.aged_rows import AGED_ROWS
from neveridle.board.aged_tasks import AgedTasks
from neveridle.board.aging import DAY, Aged, Ages, Page
from neveridle.board.database import Database
from neveridle.board.schema import board_clock
from neveridle.board.syncs import Syncs
from neveridle.errors import StateConflict

if TYPE_CHECKING:
    from sqlalchemy import Connection

HOLDS = "retention"
"""The name under which a process holds the tidying of the board."""
HOLD = 300.0
"""Seconds by the board's clock after which another may begin, where the holder died."""
PAUSE = 0.02
"""Real seconds between two transactions, in which others have the database."""
HELD_PAGES = 100
"""Pages after which the hold is renewed."""
ROUNDS = 20
"""Rounds at most: what was cancelled goes one round after the last that waited for it."""

AGED: tuple[Aged, ...] = (AgedTasks(), *AGED_ROWS, AgedBudgets(), AgedForgotten())


class Retention:
    """``board.retention``: finds and removes what has aged, a page at a time.

    Each page is found and removed in one transaction, so what is removed is still needed by
    nobody, and a process that dies in between leaves nothing half done.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._syncs = Syncs(database)

    async def due(self, ages: Ages) -> bool:
        """Whether anything may go. Writes nothing."""
        for aged in AGED:
            async for page in self._look(aged, ages):
                if page.keys:
                    return True
        return False

    async def count(self, ages: Ages) -> dict[str, int]:
        """How many of each kind may go now. Writes nothing.

        What may go only once something else has gone is not counted yet.
        """
        found = {aged.name: 0 for aged in AGED}
        for aged in AGED:
            keys: set[Any] = set()  # a chain of handoffs is met once for each of its tasks
            async for page in self._look(aged, ages):
                keys.update(page.keys)
            found[aged.name] = len(keys)
        return found

    async def tidy(self, ages: Ages, *, holder: str) -> dict[str, int]:
        """Remove what may go; how many of each kind went.

        Args:
            ages: how long each kind is kept.
            holder: who tidies, as a name on the board.

        Raises:
            StateConflict: another process is at it.
        """
        await self._hold(holder)
        gone = {aged.name: 0 for aged in AGED}
        pages = 0
        try:
            for aged in AGED:
                for _ in range(ROUNDS):
                    before = gone[aged.name]
                    async for removed in self._remove(aged, ages):
                        gone[aged.name] += removed
                        pages += 1
                        if pages % HELD_PAGES == 0:
                            await self._hold(holder)
                    if gone[aged.name] == before:
                        break
        finally:
            await self._syncs.release(HOLDS, holder)
        return gone

    async def _hold(self, holder: str) -> None:
        if not await self._syncs.hold(HOLDS, holder, seconds=HOLD):
            msg = "Another process is tidying this board just now."
            raise StateConflict(msg, remedy="Leave it to that one, or try again in a minute.")

    async def _look(self, aged: Aged, ages: Ages) -> AsyncGenerator[Page]:
        days, after = float(getattr(ages, aged.by)), None
        while days > 0:
            page = await self._database.read(_Look(aged, days, after).page)
            yield page
            after = page.after
            if after is None:
                return

    async def _remove(self, aged: Aged, ages: Ages) -> AsyncGenerator[int]:
        """How many rows went, page by page; a page of which nothing may go is only read."""
        days, after = float(getattr(ages, aged.by)), None
        while days > 0:
            look = _Look(aged, days, after)
            page = await self._database.read(look.page)
            if page.keys:
                page = await self._database.write(look.remove)
                yield len(page.keys)
                await asyncio.sleep(PAUSE)
            after = page.after
            if after is None:
                return


@dataclass(frozen=True, slots=True)
class _Look:
    """A look at one page of one kind of thing; it can be taken again."""

    aged: Aged
    days: float
    after: Any

    def page(self, c: Connection) -> Page:
        now = float(c.execute(select(board_clock.c.now)).scalar_one())
        return self.aged.page(c, now - self.days * DAY, self.after)

    def remove(self, c: Connection) -> Page:
        page = self.page(c)
        if page.keys:
            self.aged.remove(c, page.keys)
        return page
