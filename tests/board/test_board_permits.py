"""Permits: so many calls at once, all or none, and a line for those who wait."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from neveridle.board import Board

ONE = [("github", 1)]


async def test_a_call_gets_all_its_permits_or_none(board: Board) -> None:
    take = board.permits.take

    first = await take([("openai", 2), ("openai:gpt-5", 1)], "a", 60)
    assert first is not None
    assert await take([("openai", 2), ("openai:gpt-5", 1)], "b", 60) is None
    second = await take([("openai", 2)], "b", 60)  # of which the refused one took nothing
    assert second is not None
    assert await take([("openai", 2)], "c", 60) is None
    await board.permits.give_back(first)
    assert await take([("openai", 2), ("openai:gpt-5", 1)], "c", 60) is not None


async def test_permits_of_the_dead_end_by_themselves(board: Board) -> None:
    first = await board.permits.take(ONE, "dead", 60)
    assert first is not None
    await board.clock.advance(59.0)
    assert await board.permits.renew(first, 60)
    await board.clock.advance(59.0)
    assert await board.permits.take(ONE, "b", 60) is None
    await board.clock.advance(1.0)
    assert not await board.permits.renew(first, 60)
    second = await board.permits.take(ONE, "b", 60)
    assert second is not None
    await board.permits.give_back(first)  # it is not its holder's any more
    assert await board.permits.take(ONE, "c", 60) is None


async def test_who_waits_comes_before_who_gave_back_just_now(board: Board) -> None:
    take, give_back = board.permits.take, board.permits.give_back
    held = await take(ONE, "a", 60)
    assert held is not None
    assert await take(ONE, "b", 60, waits=True) is None
    assert await take(ONE, "c", 60, waits=True) is None
    await give_back(held)

    assert await take(ONE, "a", 60) is None
    assert await take(ONE, "c", 60, waits=True) is None
    held = await take(ONE, "b", 60, waits=True)
    assert held is not None
    await give_back(held)
    await board.clock.advance(1.9)  # c does not ask any more
    assert await take(ONE, "a", 60) is None
    await board.clock.advance(0.1)
    assert await take(ONE, "a", 60) is not None


async def test_many_who_ask_at_once_never_get_more_than_there_are(board: Board) -> None:
    async with AsyncExitStack() as stack:
        boards = [await stack.enter_async_context(Board(board.url)) for _ in range(8)]
        for round_ in range(12):
            names = [(f"service {round_}", 4)]
            found = await asyncio.gather(*(one.permits.take(names, "r", 60) for one in boards))
            assert sum(permit is not None for permit in found) == 4


async def test_a_permit_that_nobody_got_is_given_back(board: Board) -> None:
    for number in range(20):
        asked = asyncio.create_task(board.permits.take(ONE, "a", 1000))
        await asyncio.sleep(0.0002 * number)  # before it is asked, while, and when it has got it
        asked.cancel()
        try:
            permit = await asked
        except asyncio.CancelledError:
            continue
        if permit is not None:
            await board.permits.give_back(permit)

    async with asyncio.timeout(30):
        while await board.permits.take(ONE, "b", 60) is None:  # noqa: ASYNC110 - a row
            await asyncio.sleep(0.01)
