"""Calls of which only so many may be on their way, in all processes together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.errors import ErrorCategory, ServiceUnreached
from neveridle.settings.services import GitHubSettings
from neveridle.tools.permits import Lane, lane_for
from neveridle.tools.resilience import Guard, RetryPolicy
from neveridle.tools.services.kit import ServiceKit

CAPS = {"linear": 2, "github": 1}


class Crowd:
    """Work that notes how many do it at once."""

    def __init__(self) -> None:
        self.now = self.most = self.done = 0

    async def __call__(self) -> int:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.002)
        self.now -= 1
        self.done += 1
        return self.done


@pytest.fixture
async def boards(tmp_path: Path, board: Board) -> AsyncGenerator[list[Board]]:
    """One board as three processes have it open."""
    async with AsyncExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'board.db'}"
        yield [board, *[await stack.enter_async_context(Board(url)) for _ in range(2)]]


def guard(board: Board, **more: Any) -> Guard:
    lane = lane_for(board.permits, board.clock, CAPS, ["linear"], seconds=30, **more)
    return Guard("linear", board.breakers, board.clock, lane=lane)


async def test_no_more_are_on_their_way_than_may_be_and_all_get_their_turn(
    boards: list[Board],
) -> None:
    crowd, guards = Crowd(), [guard(board) for board in boards]
    async with asyncio.timeout(60):
        await asyncio.gather(
            *(guards[n % 3].call(crowd, repeatable=True) for n in range(45)),
        )
    assert (crowd.most, crowd.done) == (2, 45)


async def test_who_takes_again_at_once_leaves_their_turn_to_the_others(
    boards: list[Board],
) -> None:
    made, over = [0, 0], asyncio.Event()
    lanes = [Lane(board.permits, board.clock, {"github": 1}, seconds=30) for board in boards[:2]]

    async def greedy(who: int) -> None:
        while not over.is_set():
            async with lanes[who].holding():
                made[who] += 1
                await asyncio.sleep(0)
            if min(made) >= 5 or max(made) >= 2000:
                over.set()

    async with asyncio.timeout(60):
        await asyncio.gather(greedy(0), greedy(1))
    assert min(made) >= 5
    assert max(made) < 20  # in turns; without a line it is hundreds to a few


async def test_who_waits_too_long_is_told_and_nothing_was_called(
    board: Board, time: Any, make_guard: Callable[..., Guard]
) -> None:
    crowd = Crowd()
    lane = lane_for(board.permits, time, {"linear": 1}, ["linear"], seconds=100)
    patient = make_guard(lane=lane, retry=RetryPolicy(total=5.0))
    held = await board.permits.take([("linear", 1)], "somebody", 1000)
    assert held is not None
    with pytest.raises(ServiceUnreached) as told:
        await patient.call(crowd, repeatable=False)
    assert told.value.category is ErrorCategory.TRANSIENT
    assert crowd.done == 0
    assert all(waited <= 0.25 or waited == 5.0 for waited in time.waited[:20])
    await board.permits.give_back(held)
    assert await patient.call(crowd, repeatable=False) == 1


async def test_a_block_that_fails_or_is_cancelled_gives_its_permit_back(board: Board) -> None:
    lane = Lane(board.permits, board.clock, {"github": 1}, seconds=1000)
    with pytest.raises(KeyError):
        async with lane.holding():
            raise KeyError
    begun = asyncio.Event()

    async def long() -> None:
        async with lane.holding():
            begun.set()
            await asyncio.sleep(1000)

    job = asyncio.create_task(long())
    await begun.wait()
    waiting = asyncio.create_task(long())
    await asyncio.sleep(0.05)
    waiting.cancel()
    job.cancel()
    await asyncio.wait([job, waiting])
    async with asyncio.timeout(30), lane.holding():
        pass


async def test_a_service_without_a_cap_asks_the_board_for_nothing(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = ServiceKit(
        board.breakers, board.clock, {}, permits=board.permits, concurrency={"linear": 1}
    )
    crowd, asked = Crowd(), list[Any]()
    free = kit.guard(GitHubSettings())
    await free.call(crowd, repeatable=True)
    hop: Any = board.database._hop  # type: ignore[attr-defined]  # what every question passes

    async def counted(*given: Any) -> Any:
        asked.append(given)
        result: Any = await hop(*given)
        return result

    monkeypatch.setattr(board.database, "_hop", counted)
    await free.call(crowd, repeatable=True)
    assert asked == []
    capped = ServiceKit(
        board.breakers, board.clock, {}, permits=board.permits, concurrency={"github": 1}
    ).guard(GitHubSettings())
    await capped.call(crowd, repeatable=True)
    assert len(asked) == 2  # taken and given back
