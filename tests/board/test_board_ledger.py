"""What is written down beside the tasks: proposals, memories, messages, events, runs, status."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

import pytest

from neveridle.board import Board, Claim, NewTask, Source, Task, TaskState
from neveridle.board.proposals import NewProposal

Add = Callable[..., Awaitable[Task]]
Take = Callable[..., Awaitable[Claim]]


def proposal(name: str, value: float) -> NewProposal:
    return NewProposal(
        fingerprint=name,
        finder="todo",
        value=value,
        reason="because",
        task=NewTask(source=Source.IMPROVEMENT, title=name, ref=f"improvement:{name}"),
    )


async def test_the_best_proposals_become_tasks_up_to_the_cap(board: Board) -> None:
    new = [proposal("low", 0.4), proposal("best", 0.9), proposal("b", 0.5), proposal("a", 0.5)]
    made = await board.proposals.add_all(new, daily_cap=3)
    assert [task.title for task in made] == ["best", "a", "b"]
    assert await board.proposals.made_today() == 3
    assert await board.proposals.add_all(new, daily_cap=3) == []
    assert await board.proposals.known() == {"best", "a", "b"}
    assert await board.proposals.add_all([proposal("x", 1.0)], daily_cap=0) == []


async def test_the_cap_is_per_day_of_the_boards_time(board: Board) -> None:
    assert len(await board.proposals.add_all([proposal("a", 1)], daily_cap=1)) == 1
    await board.clock.advance(86_399)
    assert await board.proposals.add_all([proposal("b", 1)], daily_cap=1) == []
    await board.clock.advance(1)
    assert await board.proposals.made_today() == 0
    assert len(await board.proposals.add_all([proposal("b", 1)], daily_cap=1)) == 1


async def test_what_was_done_or_rejected_is_not_proposed_again(board: Board, take: Take) -> None:
    done, rejected = await board.proposals.add_all(
        [proposal("done", 1), proposal("rejected", 0.5)], daily_cap=5
    )
    await board.attempts.complete((await take(source=Source.IMPROVEMENT)).attempt)
    await board.tasks.cancel(rejected.id)
    again = [proposal("done", 1), proposal("rejected", 0.5)]
    assert await board.proposals.add_all(again, daily_cap=5) == []
    await board.clock.advance(10 * 86_400)
    assert await board.proposals.add_all(again, daily_cap=5) == []
    assert (await board.tasks.get(done.id)).state is TaskState.COMPLETED


async def test_messages_stay_in_their_channel_and_order(board: Board) -> None:
    for number in range(4):
        await board.messages.post("dev" if number else "ops", "zoë", f"Nachricht {number} ✅")
    found = await board.messages.latest("dev", limit=2)
    assert [(m.author, m.content, m.channel, m.at) for m in found] == [
        ("zoë", "Nachricht 2 ✅", "dev", 1e6),
        ("zoë", "Nachricht 3 ✅", "dev", 1e6),
    ]
    assert await board.messages.latest("nowhere") == []


async def test_events_can_be_followed(board: Board, add: Add) -> None:
    task = await add()
    (first,) = await board.events.find()
    await board.events.append(
        "model.call",
        {"input_tokens": 7, "said": "日本"},
        agent="sam",
        run="r",
        task=task.id,
        fence=1,
    )
    await board.events.append("run.idle")
    call, idle = await board.events.find(after=first.id)
    assert (call.kind, call.agent, call.run, call.task_id, call.fence, call.at) == (
        "model.call", "sam", "r", task.id, 1, 1e6,
    )  # fmt: skip
    assert call.data == {"input_tokens": 7, "said": "日本"}
    assert (idle.agent, idle.data) == (None, {})
    assert await board.events.find(kind="model.call", task=task.id) == [call]
    assert await board.events.find(after=first.id, limit=1) == [call]


async def test_runs_are_lives_of_agents(board: Board, add: Add, take: Take) -> None:
    one = await board.runs.start("sam", role="backend", skills=["python"])
    two = await board.runs.start("sam", role="backend", skills=["python", "日本語"])
    assert one != two
    await board.clock.advance(10)
    await board.attempts.renew([one, two], lease=60)
    await board.runs.end([one])
    await board.runs.end([one])
    await board.clock.advance(10)
    await board.attempts.renew([one], lease=60)  # it is over: no heartbeat
    task = await add()
    await take("sam", run=two)
    (agent,) = (await board.status())["agents"]
    assert agent == {"name": "sam", "role": "backend", "heartbeat_at": 1e6 + 10, "task": task.id}
    await board.runs.end([two])
    assert (await board.status())["agents"][0]["heartbeat_at"] is None
    kinds = [(event.kind, event.run) for event in await board.events.find() if event.run]
    assert kinds == [
        ("run.started", one), ("run.started", two), ("run.ended", one), ("task.claimed", two),
        ("run.ended", two),
    ]  # fmt: skip
    assert (await board.events.find(kind="run.started"))[0].data == {"pid": os.getpid()}


async def test_status_counts(board: Board, add: Add, take: Take) -> None:
    empty = await board.status()
    assert empty == {
        "now": 1e6,
        "tasks": [],
        "agents": [],
        "outage": None,
        "blocked": [],
        "stuck": [],
        "sync_points": [],
        "processes": [],
        "model": {
            "calls": 0,
            "input_tokens": 0,
            "output_tokens": 0,
            "nanos": 0,
            "unpriced": 0,
        },
    }
    await add("a")
    await add("b", source=Source.ROADMAP)
    await take()
    call = {"input_tokens": 3, "output_tokens": 2}
    await board.events.append("model.call", call)
    await board.clock.advance(86_400)
    await board.events.append("model.call", call)
    await board.clock.advance(1)
    status = await board.status()
    assert sorted((row["state"], row["source"], row["count"]) for row in status["tasks"]) == [
        ("in_progress", "backlog", 1),
        ("pending", "roadmap", 1),
    ]
    assert status["model"] == {
        "calls": 1, "input_tokens": 3, "output_tokens": 2, "nanos": 0, "unpriced": 1,
    }  # fmt: skip


@pytest.mark.parametrize("attribute", ["tasks", "attempts", "events", "clock"])
async def test_a_board_that_is_not_open_says_so(board_url: str, attribute: str) -> None:
    board = Board(board_url)
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "tasks": lambda: board.tasks.find(),
        "attempts": lambda: board.attempts.peek("sam", [], Source.BACKLOG),
        "events": lambda: board.events.append("x.y"),
        "clock": lambda: board.clock.now(),
    }
    with pytest.raises(Exception, match="not open"):
        await calls[attribute]()
    async with board:
        await calls[attribute]()
    with pytest.raises(Exception, match="not open"):
        await calls[attribute]()
