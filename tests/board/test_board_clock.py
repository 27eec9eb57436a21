"""One clock: scripted time is shared by all who have the board open."""

from __future__ import annotations

import asyncio
import time

import pytest

from neveridle.board import Board


async def test_scripted_time_stands_still_until_it_is_moved(board: Board) -> None:
    assert board.clock.scripted
    assert await board.clock.now() == 1e6
    assert await board.clock.advance(2.5) == 1e6 + 2.5
    assert await board.clock.now() == 1e6 + 2.5
    assert (await board.status())["now"] == 1e6 + 2.5
    with pytest.raises(ValueError, match="only forward"):
        await board.clock.advance(-1)
    assert await board.clock.now() == 1e6 + 2.5


async def test_without_a_script_time_is_the_databases_own(board: Board) -> None:
    await board.clock.script(None)
    assert not board.clock.scripted
    before = time.time()
    now = await board.clock.now()
    assert before - 0.01 <= now <= time.time() + 0.01  # SQLite counts milliseconds
    with pytest.raises(ValueError, match="scripted"):
        await board.clock.advance(1)
    await board.clock.sleep(0)
    await board.clock.sleep(0.001)
    with pytest.raises(TimeoutError):
        async with board.clock.timeout(0.001):
            await asyncio.Event().wait()


async def test_two_boards_share_the_script_whoever_set_it(board: Board, board_url: str) -> None:
    async with Board(board_url) as other:
        assert other.clock.scripted
        await other.clock.script(None)
        assert await board.clock.now() > 1e9
        await other.clock.script(5.0)
        assert await board.clock.now() == 5.0
        await board.clock.advance(1)
        assert await other.clock.now() == 6.0
        nap = asyncio.create_task(board.clock.sleep(10))
        await looked(board, nap)
        await other.clock.advance(9.5)
        await looked(board, nap)
        assert not nap.done()
        await other.clock.advance(0.5)
        await nap
        assert await board.clock.now() == 16.0


async def test_a_wait_for_an_event_ends_with_the_time_too(board: Board) -> None:
    event = asyncio.Event()
    waits = asyncio.create_task(board.clock.until(event, 60))
    await looked(board, waits)
    assert not waits.done()
    event.set()
    await waits
    waits = asyncio.create_task(board.clock.until(asyncio.Event(), 60))
    await looked(board, waits)
    await board.clock.advance(60)
    await waits
    assert await board.clock.now() == 1e6 + 60


async def looked(board: Board, *tasks: asyncio.Task[None]) -> None:
    """Give the sleepers time enough to look at the clock several times, and be done if due."""
    for _ in range(50):
        await board.clock.now()  # a hop to the thread that the sleepers ask, too
        await asyncio.sleep(0)


async def test_a_board_notices_at_its_next_wait_that_time_became_scripted(
    board_url: str,
) -> None:
    async with Board(board_url) as one, Board(board_url) as other:
        assert not one.clock.scripted
        await other.clock.script(100.0)
        nap = asyncio.create_task(one.clock.sleep(3600))
        await looked(one, nap)
        await other.clock.advance(3600)
        await nap
        assert one.clock.scripted


async def test_a_timeout_goes_by_the_board(board: Board) -> None:
    async def hour() -> str:
        await board.clock.sleep(3600)
        return "done"

    async with asyncio.TaskGroup() as group:
        slow = group.create_task(refused(board, hour()))
        quick = group.create_task(board.clock.wait_for(hour(), 3601))
        await looked(board)
        await board.clock.advance(1800)
        await looked(board)
        assert not slow.done()
        await board.clock.advance(1799)
        await slow  # the timeout was 3599
        assert not quick.done()
        await board.clock.advance(1)
        assert await quick == "done"
    # Nothing of the timeouts is left over.
    assert [task.get_name() for task in asyncio.all_tasks() if "timeout" in task.get_name()] == []


async def refused(board: Board, work: object) -> None:
    assert asyncio.iscoroutine(work)
    with pytest.raises(TimeoutError):
        await board.clock.wait_for(work, 3599)


async def test_a_timeout_leaves_results_errors_and_cancellation_alone(board: Board) -> None:
    async with board.clock.timeout(10):
        await board.version()
    with pytest.raises(ZeroDivisionError):
        async with board.clock.timeout(10):
            await board.version()
            raise ZeroDivisionError
    waits = asyncio.create_task(board.clock.wait_for(asyncio.Event().wait(), 10))
    await looked(board)
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits


@pytest.mark.parametrize("turns", range(12))
async def test_a_sleeper_cancelled_while_the_clock_moves_ends(board: Board, turns: int) -> None:
    # A cancellation that comes together with the move must not be lost: the sleep would go
    # on, and whoever waits for its end with it.
    nap = asyncio.create_task(board.clock.sleep(3600))
    await looked(board, nap)
    await board.clock.advance(1)
    for _ in range(turns):
        await asyncio.sleep(0)
    nap.cancel()
    await asyncio.wait([nap], timeout=30)
    assert nap.cancelled()
