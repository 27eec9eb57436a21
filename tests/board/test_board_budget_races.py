"""Many connections ask for the same budgets in the same moment."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import text

from neveridle.board import Board
from neveridle.board.budget import Call, Cap
from neveridle.errors import BudgetReached

BOARDS = 8
ROUNDS = 12
SCOPES = ("agent:sam", "day", "task:1", "team")


@pytest.fixture
async def boards(board: Board) -> AsyncGenerator[list[Board]]:
    """The same board, as so many processes have it open."""
    async with AsyncExitStack() as stack:
        more = [await stack.enter_async_context(Board(board.url)) for _ in range(BOARDS - 1)]
        yield [board, *more]


def call(model: str = "m") -> Call:
    return Call(run="r", agent="sam", purpose="work", model=model, tokens=10, nanos=10, seconds=60)


async def test_calls_that_ask_at_once_never_hold_more_than_there_is(boards: list[Board]) -> None:
    for round_ in range(ROUNDS):
        cap = Cap(scope="day", window=f"{round_}", tokens=10 * (BOARDS // 2))
        found = await asyncio.gather(*(one.budgets.reserve(call(), [cap]) for one in boards))
        held = [one for one in found if one is not None]
        assert len(set(held)) == len(held) == BOARDS // 2
        settled = (
            one.budgets.settle(held[0], tokens=10, nanos=10, event={"round": round_})
            for one in boards
        )
        assert sorted(await asyncio.gather(*settled)) == [False] * (BOARDS - 1) + [True]
        (one,) = await boards[0].budgets.standing([("day", f"{round_}")])
        assert (one.tokens, one.held_tokens) == (10, 10 * (BOARDS // 2 - 1))
    assert len(await boards[0].events.find(kind="model.call")) == ROUNDS


async def test_a_window_is_closed_and_told_once(boards: list[Board]) -> None:
    cap = Cap(scope="day", window="d", tokens=5)

    async def refused(board: Board) -> None:
        with pytest.raises(BudgetReached):
            await board.budgets.reserve(call(), [cap])

    await asyncio.gather(*(refused(board) for board in boards))
    assert len(await boards[0].events.find(kind="budget.reached")) == 1


async def test_whoever_books_where_nobody_waits_for_each_other_in_a_circle(
    boards: list[Board],
) -> None:
    """Each names its windows in another order; some calls are lost, and all overrun."""
    clock = boards[0].clock

    async def use(board: Board, chance: random.Random) -> None:
        for round_ in range(ROUNDS):
            caps = [Cap(scope=scope) for scope in chance.sample(SCOPES, 3)]
            held = await board.budgets.reserve(call(f"m{round_ % 2}"), caps)
            assert held is not None
            if chance.random() < 0.7:
                used = chance.randint(1, 30)
                await board.budgets.settle(held, tokens=used, nanos=used, event={"used": used})
            if chance.random() < 0.2:
                await clock.advance(61.0)
            if chance.random() < 0.5:
                await board.budgets.book_lost()

    await asyncio.gather(*(use(board, random.Random(n)) for n, board in enumerate(boards)))
    await clock.advance(61.0)
    await boards[0].budgets.book_lost()
    found = await boards[0].budgets.standing([(scope, "") for scope in SCOPES])
    assert all((one.held_tokens, one.held_nanos) == (0, 0) for one in found)
    assert sum(one.calls for one in found) == 3 * BOARDS * ROUNDS
    booked = await boards[0].events.find(kind="model.call", limit=1000)
    lost = await boards[0].events.find(kind="budget.call_lost", limit=1000)
    assert len(booked) + len(lost) == BOARDS * ROUNDS
    total = sum(one.data["used"] for one in booked) + sum(one.data["tokens"] for one in lost)
    assert sum(one.tokens for one in found) == 3 * total
    if boards[0].url.startswith("postgres"):
        for board in boards[1:]:
            await board.close()  # the server counts what a session met at its end
        assert await deadlocks(boards[0]) == 0


async def deadlocks(board: Board) -> int:
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    return int(await board.database.read(lambda c: c.execute(text(query)).scalar_one()))
