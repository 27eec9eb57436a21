"""Orders: what people said of agents, as this process last read it."""

from __future__ import annotations

import asyncio

from neveridle.board import Board
from neveridle.board.control import DRAINING, PAUSED, Control


class Orders:
    """``team.orders``: who takes no task, and whose loop ends, because a person said so.

    Whoever says something raises the board's version, which this process follows anyway: so
    the board is read once for each version, and never by an idle tick.

    A pause holds until it is lifted. A drain is said to those who run: it holds for every
    run that had begun by then, and not for a later one.

    Args:
        board: where it is written.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._version = -1
        self._said: list[Control] = []
        self._began = 0.0
        self._turn = asyncio.Lock()

    async def begin(self, began: float | None, *, mine: list[str]) -> None:
        """Begin a run: what was drained before is no concern of it.

        Args:
            began: when; None: now. A process that is started again in place of one that died
                is told when that began.
            mine: the runs of this process.
        """
        said = await self._board.controls.all()
        if began is None and any(one.mode == DRAINING for one in said):
            await self._board.controls.settle(mine=mine)
            said = await self._board.controls.all()
        self._began = await self._board.clock.now() if began is None else began
        self._said = said

    async def look(self, version: int) -> None:
        """Read what is said, where the board's version is not the one it was last read at."""
        if version == self._version:
            return
        async with self._turn:
            if version != self._version:
                self._said = await self._board.controls.all()
                self._version = version

    def paused(self, agent: str) -> bool:
        """Whether an agent takes no task until it is resumed; no board read."""
        return any(one.mode == PAUSED and one.holds_for(agent) for one in self._said)

    def draining(self, agent: str) -> bool:
        """Whether an agent's loop ends once what it works on has ended; no board read."""
        return any(
            one.mode == DRAINING and one.holds_for(agent) and one.since >= self._began
            for one in self._said
        )

    def takes(self, agent: str) -> bool:
        """Whether an agent takes tasks; no board read."""
        return not self._said or not (self.paused(agent) or self.draining(agent))
