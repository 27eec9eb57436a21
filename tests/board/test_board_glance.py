"""What `neveridle status` reads besides the board's numbers."""

from __future__ import annotations

import pytest

from neveridle.board import Board, NewTask, Source
from neveridle.board.budget import Call, Cap
from neveridle.board.glance import Glances, glance
from neveridle.board.inbox_item import ItemKind, NewItem
from neveridle.errors import BoardUnusable, BudgetReached

KINDS = ("task.added", "agent.paused", "agent.stopped")


async def test_an_empty_board_gives_empty_lists(board: Board) -> None:
    found = await glance(board.url, KINDS)

    for name in ("controls", "doing", "stopped", "services", "budgets", "inbox", "inbox_counts",
                 "events", "tasks", "agents"):  # fmt: skip
        assert found[name] == [], name
    assert (found["living"], found["next_due"]) == ({}, None)
    assert found["now"] == await board.clock.now()


async def test_it_says_who_does_what_and_what_is_in_the_way(board: Board) -> None:
    start = await board.clock.now()
    for number in range(2):
        await board.tasks.add(NewTask(source=Source.BACKLOG, title=f"Task {number}",
                                      services=("github",) if number else ()))  # fmt: skip
    await board.events.append("agent.stopped", {"message": "before"}, agent="sam")
    await board.clock.advance(10)
    run = await board.runs.start("sam", role="backend", skills=[])
    await board.clock.advance(10)
    claim = await board.attempts.claim(
        agent="sam", run=run, skills=[], source=Source.BACKLOG, lease=60
    )
    assert claim is not None
    await board.events.append("agent.stopped", {"code": "x", "message": "m", "remedy": "r"},
                              agent="sam")  # fmt: skip
    await board.controls.set("sam", "paused", reason="why", by="who")
    await board.breakers.hold("github", "rejected")

    async with Glances(board.url, KINDS) as glances:
        before = await glances.stamp()
        found = await glances.look()
        await board.controls.clear("sam")
        after = await glances.stamp()

    assert found["doing"] == [
        {"agent": "sam", "task": 1, "title": "Task 0", "rung": "backlog", "phase": "claimed",
         "since": start + 20, "number": 1}
    ]  # fmt: skip
    assert found["living"] == {"sam": start + 10}
    assert found["controls"] == [
        {"agent": "sam", "mode": "paused", "reason": "why", "by": "who", "since": start + 20}
    ]
    (stopped,) = found["stopped"]  # what was said before its run began is not of now
    assert (stopped["agent"], stopped["message"], stopped["remedy"]) == ("sam", "m", "r")
    (service,) = found["services"]
    assert (service["name"], service["state"], service["tasks"]) == ("github", "held", 1)
    assert [one["kind"] for one in found["events"]] == [
        "agent.paused", "agent.stopped", "agent.stopped", "task.added", "task.added",
    ]  # fmt: skip
    assert found["events"][-1]["title"] == "Task 0"
    assert found["events"][0]["data"]["reason"] == "why"
    assert after[0] == before[0]
    assert (after[1] > before[1], after[2] > before[2]) == (True, True)


async def test_budgets_of_now_and_the_newest_of_the_inbox(board: Board) -> None:
    now = await board.clock.now()
    call = Call(run="r", agent="sam", purpose="work", model="m", tokens=10, nanos=10, seconds=60)
    yesterday = Cap(scope="day", window="yesterday", ends_at=now - 1, tokens=1000)
    today = Cap(scope="day", window="today", ends_at=now + 100, tokens=15)
    task = Cap(scope="task:1", tokens=1000)
    for caps in ([yesterday, task], [today, task]):
        held = await board.budgets.reserve(call, caps)
        assert held is not None
        await board.budgets.settle(held, tokens=9, nanos=8, event={"cost": 8})
    with pytest.raises(BudgetReached):
        await board.budgets.reserve(call, [today])
    for number in range(7):
        await board.inbox.put(
            NewItem(kind=ItemKind.ALERT if number % 2 else ItemKind.QUESTION,
                    fingerprint=str(number), title=f"Item {number}",
                    level="HUMAN_ALERT" if number else "EMERGENCY")
        )  # fmt: skip
    found = await glance(board.url, KINDS)

    (day,) = found["budgets"]  # yesterday is over, and no task's budget is spent
    assert (day["window"], day["tokens"], day["nanos"], day["calls"]) == ("today", 9, 8, 1)
    assert (day["cap_tokens"], day["closed_at"]) == (15, now)
    assert [one["title"] for one in found["inbox"]] == [
        "Item 0", "Item 6", "Item 5", "Item 4", "Item 3",
    ]  # fmt: skip
    counts = {(one["kind"], one["level"]): one["count"] for one in found["inbox_counts"]}
    assert counts == {
        ("question", "EMERGENCY"): 1, ("question", "HUMAN_ALERT"): 3, ("alert", "HUMAN_ALERT"): 3,
    }  # fmt: skip
    assert (found["model"]["nanos"], found["model"]["unpriced"]) == (16, 0)


async def test_a_board_that_is_not_there_is_not_made() -> None:
    with pytest.raises(BoardUnusable):
        await glance("sqlite:////nowhere/at/all/board.db")
