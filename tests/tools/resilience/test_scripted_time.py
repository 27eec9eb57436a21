"""The test mode: no waiting, and everything in the order of its time."""

from __future__ import annotations

import asyncio

import pytest

from neveridle.board import Board
from neveridle.tools.resilience.testing import ScriptedTime

START = 1_000_000.0


async def test_waits_end_in_the_order_of_their_times(time: ScriptedTime) -> None:
    ended: list[tuple[float, float]] = []

    async def wait(seconds: float) -> None:
        await time.sleep(seconds)
        ended.append((seconds, await time.now() - START))

    await asyncio.gather(*(wait(seconds) for seconds in (50.0, 7.0, 3600.0, 0.0, 7.0)))
    assert ended == [(one, one) for one in (0.0, 7.0, 7.0, 50.0, 3600.0)]
    assert time.waited == [50.0, 7.0, 3600.0, 0.0, 7.0]


async def test_a_timeout_moves_no_time_and_is_met_in_its_turn(time: ScriptedTime) -> None:
    async with time.timeout(5.0):
        await asyncio.sleep(0.05)
    assert await time.now() == START
    async with time.timeout(5.0):
        await time.sleep(4.0)
    with pytest.raises(TimeoutError):
        async with time.timeout(5.0):
            await time.sleep(6.0)
    assert await time.now() == START + 9


async def test_a_wait_that_is_cancelled_moves_nothing(time: ScriptedTime) -> None:
    waiting = asyncio.ensure_future(time.sleep(100.0))
    await asyncio.sleep(0)
    waiting.cancel()
    await time.sleep(1.0)
    assert await time.now() == START + 1


async def test_at_the_end_the_time_is_the_databases(board: Board) -> None:
    async with ScriptedTime(board, at=5.0):
        assert await board.clock.now() == 5.0
        assert board.clock.scripted
    assert await board.clock.now() > START
    assert not board.clock.scripted
