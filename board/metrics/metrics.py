"""The board's metrics: for any window, of the team or of one agent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neveridle.board.metrics.figures import Figures
from neveridle.board.metrics.formulas import figures
from neveridle.board.metrics.window import DAY, HOUR, Window

if TYPE_CHECKING:
    from neveridle.board.database import Database
    from neveridle.board.metrics.facts import Facts


class Metrics:
    """``board.metrics``. Reads only, on a connection of its own: nobody waits for it.

    Args:
        database: the board's, which must be open.
        url: where it is.
    """

    def __init__(self, database: Database, url: str) -> None:
        self._database = database
        self._url = url

    async def window(self, since: float | None = None, until: float | None = None) -> Window:
        """A window by the board's clock.

        Args:
            since: when it begins; None: 24 hours before it ends.
            until: when it ends; None: now.

        Raises:
            StateConflict: it would end before it begins.
        """
        end = await self._database.hot.now() if until is None else until
        return Window(end - DAY if since is None else since, end)

    async def all_time(self) -> Window:
        """From the oldest event to now; the last hour where there is none."""
        now = await self._database.hot.now()
        first = await asyncio.to_thread(self._first)
        return Window(min(now - 1.0, now - HOUR if first is None else first), now)

    async def of(self, window: Window | None = None, *, agent: str | None = None) -> Figures:
        """The figures of a window.

        Args:
            window: None: the last 24 hours.
            agent: only of this one; None: of the team, with those of each agent.

        Raises:
            BoardUnusable: the board is not open, or cannot be read.
        """
        asked = await self.window() if window is None else window
        return (await self._figures([asked], agent))[0]

    async def series(
        self, window: Window | None = None, *, width: float = HOUR, agent: str | None = None
    ) -> list[Figures]:
        """The figures of a window piece by piece, oldest first.

        Args:
            window: None: the last 24 hours.
            width: seconds of each piece; the last one is as long as what is left.
            agent: see ``of``.

        Raises:
            StateConflict: those would be more than 1,000 pieces.
            BoardUnusable: the board is not open, or cannot be read.
        """
        asked = await self.window() if window is None else window
        return await self._figures(asked.buckets(width), agent)

    async def _figures(self, windows: Sequence[Window], agent: str | None) -> list[Figures]:
        await self._database.hot.now()  # refused here where the board is not open
        facts = await asyncio.to_thread(self._gather, windows)
        return [figures(one, agent=agent) for one in facts]

    def _gather(self, windows: Sequence[Window]) -> list[Facts]:
        from neveridle.board.metrics.gathering import gather
        from neveridle.board.metrics.reading import snapshot_of

        with snapshot_of(self._url) as snapshot:
            return gather(snapshot, windows)

    def _first(self) -> float | None:
        from neveridle.board.metrics.reading import snapshot_of

        with snapshot_of(self._url) as snapshot:
            found = snapshot.rows("first")
        return float(found[0][0]) if found else None
