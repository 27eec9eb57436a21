"""Budgets on the board: reserved before, settled after, closed when full."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from neveridle.board import Board, Task
from neveridle.board.aging import Ages
from neveridle.board.budget import Call, Cap, task_scope
from neveridle.errors import BudgetReached

DAY = 86_400.0
START = 1_000_000.0
MODEL = "openai:gpt-5"
CAP = Cap(scope="day", window="2026-03-01", ends_at=START + DAY, tokens=1000)
TEAM = Cap(scope="team")

Sql = Callable[..., Awaitable[list[tuple[Any, ...]]]]
Contents = Callable[[], Awaitable[dict[str, list[tuple[Any, ...]]]]]


def call(tokens: int, nanos: int = 0, model: str = MODEL) -> Call:
    return Call(
        run="r", agent="sam", purpose="work", model=model, tokens=tokens, nanos=nanos,
        seconds=60, task=7, fence=2,
    )  # fmt: skip


async def reserved(board: Board, *given: Any, caps: Any = (CAP,)) -> int:
    held = await board.budgets.reserve(call(*given), caps)
    assert held is not None
    return held


async def day(board: Board) -> tuple[int, int, int, int, int]:
    """Tokens, nanos, calls, and what is held of the first two."""
    (found,) = await board.budgets.standing([("day", "2026-03-01")])
    return found.tokens, found.nanos, found.calls, found.held_tokens, found.held_nanos


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


async def test_a_call_counts_in_all_of_its_budgets_or_in_none(board: Board) -> None:
    agent = Cap(scope="agent:sam", window="2026-03-01", nanos=50)
    await reserved(board, 10, 20, caps=[TEAM, agent, CAP])
    assert await board.budgets.reserve(call(10, 31), [TEAM, agent, CAP]) is None
    with pytest.raises(BudgetReached, match="agent:sam"):
        await board.budgets.reserve(call(10, 51), [CAP, agent, TEAM])
    names = [("team", ""), ("agent:sam", "2026-03-01"), ("day", "2026-03-01")]
    found = await board.budgets.standing([*names, ("task:1", "")])
    assert [(one.scope, one.window) for one in found] == names
    assert {(one.held_tokens, one.held_nanos) for one in found} == {(10, 20)}
    assert [one.closed_at for one in found] == [None, START, None]


async def test_what_a_model_uses_beyond_its_promise_is_booked_and_learnt(board: Board) -> None:
    held = await reserved(board, 100, 1000)
    assert await board.budgets.settle(held, tokens=160, nanos=900, event={})
    assert await day(board) == (160, 900, 1, 0, 0)

    held = await reserved(board, 100, 1000)
    assert await day(board) == (160, 900, 1, 180, 1000)  # 1.6 times, and an eighth
    await board.budgets.settle(held, tokens=170, nanos=2000, event={})
    held = await reserved(board, 100, 1000)
    assert (await day(board))[3:] == (192, 2250)  # the worst of both, each for itself
    await board.budgets.cancel(held)
    other = await board.budgets.reserve(call(100, 1000, "other:model"), [CAP])
    assert other is not None
    assert (await day(board))[3:] == (100, 1000)
    await board.budgets.cancel(other)
    assert await board.budgets.all_standing() == await board.budgets.standing([CAP_KEY])

    await board.clock.advance(7 * DAY + 1)  # it has kept its promises for a week
    await reserved(board, 100, 1000)
    assert (await day(board))[3:] == (100, 1000)


CAP_KEY = ("day", "2026-03-01")


async def test_a_forgotten_factor_is_learnt_anew_and_none_is_without_bound(board: Board) -> None:
    await board.budgets.settle(await reserved(board, 1), tokens=800, nanos=0, event={})
    again = Cap(scope="day", window="2026-03-01")
    assert await board.budgets.settle(
        await reserved(board, 10, caps=[again]), tokens=5, nanos=0, event={}
    )
    await reserved(board, 10, caps=[again])
    assert (await day(board))[3] == 1000  # a hundred times, and no more
    await board.clock.advance(8 * DAY)
    held = await reserved(board, 10, caps=[again])
    await board.budgets.settle(held, tokens=20, nanos=0, event={})
    await reserved(board, 10, caps=[again])
    assert (await day(board))[3] == 1000 + 23


async def test_a_promise_of_nothing_teaches_nothing(board: Board) -> None:
    held = await reserved(board, 0, 0)
    assert await board.budgets.settle(held, tokens=50, nanos=70, event={})
    assert await day(board) == (50, 70, 1, 0, 0)
    await reserved(board, 100, 100)
    assert (await day(board))[3:] == (100, 100)


async def test_settling_twice_books_once(board: Board) -> None:
    held = await reserved(board, 100)
    assert await board.budgets.settle(held, tokens=10, nanos=1, event={})
    assert not await board.budgets.settle(held, tokens=10, nanos=1, event={})
    assert not await board.budgets.cancel(held)
    assert await day(board) == (10, 1, 1, 0, 0)
    assert len(await board.events.find(kind="model.call")) == 1


async def test_a_lost_call_is_booked_at_its_worst_by_the_sweep_once(board: Board) -> None:
    lost, late = await reserved(board, 100, 5), await reserved(board, 50, 6)
    await board.clock.advance(60.0)
    await board.sweep()
    assert await day(board) == (0, 0, 0, 150, 11)
    await board.budgets.cancel(late)
    await board.clock.advance(0.5)
    await board.sweep()
    await board.sweep()
    assert await day(board) == (100, 5, 1, 0, 0)
    assert not await board.budgets.settle(lost, tokens=7, nanos=1, event={})
    assert await day(board) == (100, 5, 1, 0, 0)
    assert await board.events.find(kind="model.call") == []
    (event,) = await board.events.find(kind="budget.call_lost")
    assert event.data == {"model": MODEL, "tokens": 100, "nanos": 5}
    assert (event.agent, event.run, event.task_id, event.fence) == ("sam", "r", 7, 2)


async def test_lost_calls_of_one_sweep_are_summed_for_each_window(board: Board) -> None:
    for n in range(5):
        await reserved(board, n, 10, caps=[CAP, TEAM] if n % 2 else [TEAM])
    await board.clock.advance(61.0)
    assert await board.budgets.book_lost() == 5
    assert await day(board) == (4, 20, 2, 0, 0)
    (team,) = await board.budgets.standing([("team", "")])
    assert (team.tokens, team.nanos, team.calls, team.held_tokens) == (10, 50, 5, 0)
    assert len(await board.events.find(kind="budget.call_lost")) == 5


async def test_a_sweep_with_nothing_to_do_writes_nothing(board: Board, contents: Contents) -> None:
    await reserved(board, 100)
    before = await contents()
    await board.sweep()
    assert await contents() == before


KILLED = """
import asyncio, os, signal, sys
from neveridle.board import Board
from neveridle.board.budget import Call, Cap

async def main():
    async with Board(sys.argv[1], create=False) as board:
        call = Call(run="killed", agent="leo", purpose="work", model="m", tokens=300, nanos=9,
                    seconds=60)
        cap = Cap(scope="day", window="2026-03-01", tokens=1000)
        first = await board.budgets.reserve(call, [cap])
        await board.budgets.settle(first, tokens=200, nanos=4, event={"model": "m"})
        await board.budgets.reserve(call, [cap])
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal that cannot be caught")
async def test_a_process_killed_during_its_call_has_spent_the_worst(board: Board) -> None:
    command = [sys.executable, "-P", "-c", KILLED, board.url]
    done = await asyncio.to_thread(subprocess.run, command, check=False)
    assert done.returncode == -9
    assert await day(board) == (200, 4, 1, 300, 9)
    assert await board.budgets.reserve(call(501), [CAP]) is None  # it is not free
    await board.clock.advance(61.0)
    await board.sweep()
    assert await day(board) == (500, 13, 2, 0, 0)


async def test_a_reservation_that_nobody_got_is_let_go(board: Board) -> None:
    await reserved(board, 1)
    asked = asyncio.create_task(board.budgets.reserve(call(900), [CAP]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    async with asyncio.timeout(30):
        while (await day(board))[3] != 1:  # noqa: ASYNC110 - a row, which tells nobody
            await asyncio.sleep(0.01)


async def test_windows_that_are_closed_now(board: Board) -> None:
    over = Cap(scope="agent:sam", window="2026-02-28", ends_at=START - 1, tokens=0)
    task = Cap(scope=task_scope(3), tokens=0)
    for cap in (CAP, over, task):
        with pytest.raises(BudgetReached):
            await board.budgets.reserve(call(2000), [cap, TEAM])
    await reserved(board, 1, caps=[Cap(scope="agent:leo", window="2026-03-01")])
    assert [one.scope for one in await board.budgets.now_closed()] == ["day", "task:3"]
    await board.clock.advance(DAY)
    assert [one.scope for one in await board.budgets.now_closed()] == ["task:3"]


async def test_all_that_goes_on_is_told_without_tasks_and_what_is_over(board: Board) -> None:
    over = Cap(scope="day", window="2026-02-28", ends_at=START - 1)
    agent = Cap(scope="agent:sam", window="2026-03-01", ends_at=START + DAY)
    held = await reserved(board, 5, caps=[CAP, over, agent, TEAM, Cap(scope=task_scope(3))])
    await board.budgets.settle(held, tokens=6, nanos=0, event={})  # remembered, and not a window
    found = await board.budgets.all_standing()
    assert [(one.scope, one.tokens) for one in found] == [("agent:sam", 6), ("day", 6), ("team", 6)]
    assert [one.scope for one in await board.budgets.all_standing("2026-02-28")] == ["team"]


async def test_windows_age_and_a_task_takes_its_own_with_it(
    board: Board, add: Callable[..., Awaitable[Task]], sql: Sql
) -> None:
    task = await add("one")
    scope = task_scope(task.id)
    held = await reserved(board, 5, caps=[CAP, TEAM, Cap(scope=scope), Cap(scope="task:99")])
    await board.budgets.settle(held, tokens=6, nanos=0, event={})
    await board.permits.take([("github", 1)], "dead", 60)
    await board.tasks.cancel(task.id)
    await board.clock.advance(32 * DAY)
    assert (await board.retention.count(Ages(events=30)))["budgets"] == 1
    gone = await board.retention.tidy(Ages(events=30), holder="me")
    assert (gone["budgets"], gone["permits"]) == (1, 1)
    left = "SELECT scope FROM budgets ORDER BY scope"
    assert await sql(left) == [(f"overrun:{MODEL}",), (scope,), ("task:99",), ("team",)]
    await board.clock.advance(31 * DAY)  # and the factor is as old
    assert (await board.retention.tidy(Ages(events=30, tasks=50), holder="me"))["budgets"] == 1
    assert await sql(left) == [("task:99",), ("team",)]


async def test_names_that_no_database_takes_are_counted_all_the_same(board: Board) -> None:
    odd = Call(run="r\0", agent="s\ud800", purpose="p\0", model="m\0", tokens=5, nanos=5, seconds=1)
    cap = Cap(scope="agent:s\ud800", window="2026-03-01", tokens=5)
    held = await board.budgets.reserve(odd, [cap])
    assert held is not None
    await board.budgets.settle(held, tokens=6, nanos=0, event={"said": "\0 \ud800"})
    with pytest.raises(BudgetReached):
        await board.budgets.reserve(odd, [cap])
    (found,) = await board.budgets.standing([(cap.scope, cap.window)])
    assert found.tokens == 6
