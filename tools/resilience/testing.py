"""Test mode: guarded calls without waiting, on a scripted clock, without chance.

::

    async with Board(url) as board, ScriptedTime(board) as time:
        guard = Guard("linear", board.breakers, time, chance=time.chance)
        with pytest.raises(ServiceError):
            await guard.call(fails, repeatable=True)
        assert time.waited == [1.5, 3.0, 6.0, 12.0]
"""

from __future__ import annotations

import asyncio
import heapq
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

from neveridle.board.clock import BoardClock

if TYPE_CHECKING:
    from neveridle.board import Board

TURNS = 20
"""Turns of the event loop in which everybody may do something before the time moves on."""

ARRIVAL = 0.0005
"""Real seconds between two looks whether all who begin to wait have been told the time."""

_Sleeper = tuple[float, int, "asyncio.Future[None]", bool]


class ScriptedTime(BoardClock):
    """The board's clock, scripted: whoever waits by this one moves the board's time.

    Waits take no time, and end in the order of their times. A timeout moves nothing: it is
    met where a wait within it would take longer. Use with ``async with``; at the end the
    board's time is the database's again.

    Args:
        board: an open board.
        at: where its time begins.

    Attributes:
        waited: the seconds of each wait that was begun, in their order.
    """

    def __init__(self, board: Board, at: float = 1_000_000.0) -> None:
        super().__init__(board.database)
        self.waited: list[float] = []
        self._board = board
        self._at = at
        self._sleepers: list[_Sleeper] = []
        self._mover: asyncio.Task[None] | None = None
        self._begun = 0
        self._arriving = 0  # those who begin to wait, and still ask what time it is

    async def __aenter__(self) -> ScriptedTime:
        await self._board.clock.script(self._at)
        await self.load()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._mover is not None:
            self._mover.cancel()
            with suppress(asyncio.CancelledError):
                await self._mover
        await self._board.clock.script(None)

    @staticmethod
    def chance() -> float:
        """What takes the place of chance: always the middle."""
        return 0.5

    async def sleep(self, seconds: float) -> None:
        """Wait; the board's time is moved to the end of the wait."""
        self.waited.append(seconds)
        await self._until(seconds, moves=True)

    async def _expiry(self, seconds: float) -> None:
        await self._until(seconds, moves=False)

    async def _until(self, seconds: float, *, moves: bool) -> None:
        self._arriving += 1
        try:
            until = await self.now() + max(seconds, 0.0)
        finally:
            self._arriving -= 1
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._begun += 1
        heapq.heappush(self._sleepers, (until, self._begun, over, moves))
        if self._mover is None or self._mover.done():
            self._mover = asyncio.create_task(self._move(), name="neveridle-scripted-time")
        await over

    async def _move(self) -> None:
        """End waits one after the other, for as long as there is one that moves the time."""
        while True:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            if self._arriving:
                await asyncio.sleep(ARRIVAL)
                continue
            waiting = [one for one in self._sleepers if not one[2].done()]
            if not any(moves for *_, moves in waiting):
                return
            heapq.heapify(waiting)
            until, _, over, _ = heapq.heappop(waiting)
            self._sleepers = waiting
            now = await self.now()
            if until > now:
                await self.advance(until - now)
            if not over.done():
                over.set_result(None)
