"""How often services were called: counted by their guards, told to the log now and then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.board.metrics import Window
from neveridle.errors import BoardUnusable, ServiceError
from neveridle.graph.counting import EVERY, Counting
from neveridle.tools.resilience import Guard, RetryPolicy
from neveridle.tools.resilience.tally import Tallies
from neveridle.tools.standin.http_fault import HttpFault
from neveridle.tools.standin.vercel import VercelStandin


async def said(team: Any) -> list[dict[str, Any]]:
    """What the log was told."""
    return [event.data for event in await team.board.events.find(kind="service.calls")]


async def test_calls_are_told_every_ten_minutes_and_at_the_end(
    project: Any, hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERCEL_TOKEN", "v-token")
    await project.script()
    with VercelStandin(token="v-token") as vercel:
        vercel.deploy("a" * 40)
        project.use("services", vercel={"url": vercel.url})
        async with project.team(worker=hands) as team:
            client = team.services.vercel
            for _ in range(3):
                await client.deployments()
            assert await said(team) == []
            async with asyncio.timeout(60):
                while not await said(team):
                    await team.board.clock.advance(EVERY + 1)
                    await asyncio.sleep(0.02)
            first = await said(team)
            assert [(one["service"], one["retries"]) for one in first] == [("vercel", 0)]
            assert first[0]["calls"] >= 3  # the checkups of services may have asked, too
            vercel.faults.append(HttpFault("status", status=500))
            again = asyncio.create_task(client.deployments())
            while not again.done():  # the wait before the second try is the board's
                await team.board.clock.advance(5)
                await asyncio.sleep(0.02)
            await again
        async with project.board() as board:
            events = await board.events.find(kind="service.calls")
            assert sum(event.data["calls"] for event in events) == len(vercel.requests)
            assert sum(event.data["retries"] for event in events) == 1
            figures = await board.metrics.of(await board.metrics.window(until=2e9))
            counts = (figures.counts.requests, figures.counts.retries)
            assert counts == (0, 0)  # that day they were not called
            at = [event.at for event in events]
            figures = await board.metrics.of(Window(min(at), max(at) + 1))
            assert (figures.counts.requests, figures.counts.retries) == (len(vercel.requests), 1)
            assert figures.retry_rate.value == 1 / len(vercel.requests)


@pytest.fixture
async def board(project: Any) -> AsyncGenerator[Board]:
    """The project's board, open."""
    async with project.board() as opened:
        yield opened


async def test_what_could_not_be_told_is_told_later(board: Board) -> None:
    tallies = Tallies()
    telling = Counting(board, tallies)
    tallies.of("linear").calls += 2
    await board.close()
    with pytest.raises(BoardUnusable):
        await telling.flush()
    await board.open()
    tallies.of("linear").calls += 1
    await telling.flush()
    await telling.flush()
    events = await board.events.find(kind="service.calls")
    assert [event.data for event in events] == [{"service": "linear", "calls": 3, "retries": 0}]


async def test_a_guard_counts_requests_and_repeats(board: Board) -> None:
    guard = Guard("linear", board.breakers, board.clock, retry=RetryPolicy(attempts=3, base=0.001))
    answers: Iterator[int | ServiceError] = iter([1, ServiceError("down"), ServiceError("down"), 2])

    async def work() -> int:
        answer = next(answers)
        if isinstance(answer, ServiceError):
            raise answer
        return answer

    assert [await guard.call(work, repeatable=True) for _ in range(2)] == [1, 2]
    assert (guard.tally.calls, guard.tally.retries) == (4, 2)
