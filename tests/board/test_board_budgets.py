"""Budgets on the board: reserved before, settled after, closed when full."""

from __future__ import annotations

import pytest

from neveridle.board import Board
from neveridle.board.budget import Call, Cap
from neveridle.errors import BudgetReached


def call(tokens: int, nanos: int = 0) -> Call:
    return Call(
        run="r", agent="sam", purpose="work", model="openai:gpt-5", tokens=tokens, nanos=nanos,
        seconds=60,
    )  # fmt: skip


async def test_the_worst_case_is_held_and_what_it_cost_is_booked(board: Board) -> None:
    cap = Cap(scope="day", window="2026-03-01", tokens=1000)

    held = await board.budgets.reserve(call(600), [cap])
    assert held is not None
    assert await board.budgets.reserve(call(600), [cap]) is None  # once the other has ended
    await board.budgets.settle(held, tokens=100, nanos=5, event={"model": "m"})
    again = await board.budgets.reserve(call(600), [cap])
    assert again is not None
    await board.budgets.cancel(again)

    (found,) = await board.budgets.standing([("day", "2026-03-01")])
    assert (found.tokens, found.nanos, found.calls) == (100, 5, 1)
    assert (found.held_tokens, found.held_nanos) == (0, 0)
    (event,) = await board.events.find(kind="model.call")
    assert event.agent == "sam"


async def test_what_does_not_fit_closes_the_window_until_its_cap_is_raised(board: Board) -> None:
    cap = Cap(scope="day", window="2026-03-01", tokens=1000, ends_at=5.0)

    with pytest.raises(BudgetReached) as reached:
        await board.budgets.reserve(call(1001), [cap])
    assert (reached.value.scope, reached.value.until) == ("day", 5.0)
    with pytest.raises(BudgetReached):  # a smaller one would fit, and is refused all the same
        await board.budgets.reserve(call(10), [cap])
    raised = Cap(scope="day", window="2026-03-01", tokens=2000)
    assert await board.budgets.reserve(call(10), [raised]) is not None
    assert len(await board.events.find(kind="budget.reached")) == 1
