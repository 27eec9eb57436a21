"""What comes from outside: refreshed by one at a time, taken over once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from neveridle.board import Board, Claim, NewTask, Phase, Source, TaskState
from neveridle.board.syncs import MirrorEntry

Take = Callable[..., Awaitable[Claim]]


def entry(ref: str, *after: str, is_open: bool = True, over: bool = True) -> MirrorEntry:
    task = NewTask(source=Source.ROADMAP, title=ref, ref=ref)
    data: dict[str, object] = {"title": ref}
    return MirrorEntry(ref=ref, open=is_open, data=data, task=task, after=after, over=over)


async def states(board: Board) -> dict[str, TaskState]:
    return {task.ref or "": task.state for task in await board.tasks.find()}


async def test_one_at_a_time_syncs(board: Board) -> None:
    assert await board.syncs.token("roadmap") == ""
    assert await board.syncs.hold("roadmap", "one", seconds=60)
    assert await board.syncs.hold("roadmap", "one", seconds=60)
    assert not await board.syncs.hold("roadmap", "two", seconds=60)
    assert await board.syncs.hold("backlog", "two", seconds=60)
    await board.syncs.release("roadmap", "two", token="not mine to say")
    assert await board.syncs.token("roadmap") == ""
    assert not await board.syncs.hold("roadmap", "two", seconds=60)
    await board.syncs.release("roadmap", "one", token="abc")
    assert await board.syncs.token("roadmap") == "abc"
    assert await board.syncs.hold("roadmap", "two", seconds=60)
    await board.syncs.release("roadmap", "two")
    assert await board.syncs.token("roadmap") == "abc"


async def test_a_dead_holder_does_not_hold_for_ever(board: Board) -> None:
    assert await board.syncs.hold("roadmap", "one", seconds=60)
    await board.clock.advance(59)
    assert not await board.syncs.hold("roadmap", "two", seconds=60)
    await board.clock.advance(1)
    assert await board.syncs.hold("roadmap", "two", seconds=60)
    await board.syncs.release("roadmap", "one", token="late")  # it is not his any more
    assert not await board.syncs.hold("roadmap", "one", seconds=60)


async def test_open_items_become_tasks_once(board: Board) -> None:
    entries = [entry("a"), entry("b", "a"), entry("c", is_open=False), entry("a")]
    version = await board.version()
    new = await board.syncs.mirror("roadmap", entries)
    assert [(task.ref, task.open_blockers) for task in new] == [("a", 0), ("b", 1)]
    assert await board.version() == version + 1  # a only: b waits
    assert await board.syncs.mirror("roadmap", entries) == []
    assert await board.version() == version + 1
    assert await states(board) == {"a": TaskState.PENDING, "b": TaskState.PENDING}
    assert await board.syncs.entries("roadmap") == {
        "a": {"title": "a", "open": True, "over": True},
        "b": {"title": "b", "open": True, "over": True},
        "c": {"title": "c", "open": False, "over": True},
    }
    assert await board.syncs.entries("backlog") == {}


@pytest.mark.parametrize("gone", [True, False])
async def test_what_somebody_else_did_is_not_done_again_and_holds_nobody_up(
    board: Board, take: Take, gone: bool
) -> None:
    await board.syncs.mirror("roadmap", [entry("a"), entry("b", "a")])
    left = [] if gone else [entry("a", is_open=False)]
    version = await board.version()
    await board.syncs.mirror("roadmap", [*left, entry("b", "a")])
    assert await states(board) == {"a": TaskState.CANCELLED, "b": TaskState.PENDING}
    assert await board.version() == version + 1
    assert (await take(source=Source.ROADMAP)).task.ref == "b"
    (event,) = await board.events.find(kind="task.cancelled")
    assert event.data == {"reason": "no longer open in roadmap"}


async def test_an_item_that_is_open_again_is_taken_up_again(board: Board) -> None:
    await board.syncs.mirror("roadmap", [entry("a"), entry("b")])
    (b,) = [task for task in await board.tasks.find() if task.ref == "b"]
    await board.tasks.cancel(b.id, reason="not wanted")
    await board.syncs.mirror("roadmap", [])
    version = await board.version()
    assert await board.syncs.mirror("roadmap", [entry("a"), entry("b")]) == []
    # What a person cancelled stays so.
    assert await states(board) == {"a": TaskState.PENDING, "b": TaskState.CANCELLED}
    assert await board.version() == version + 1


async def test_what_follows_work_of_somebody_outside_waits_for_it(board: Board) -> None:
    outside = entry("a", is_open=False, over=False)
    assert await board.syncs.mirror("roadmap", [outside, entry("b", "a"), entry("c", "b")]) != []
    assert await states(board) == {"c": TaskState.PENDING}
    done = entry("a", is_open=False)
    (new,) = await board.syncs.mirror("roadmap", [done, entry("b", "a"), entry("c", "b")])
    assert (new.ref, new.runnable) == ("b", True)


async def test_what_waits_for_a_task_that_somebody_outside_took_waits_on(board: Board) -> None:
    await board.syncs.mirror("roadmap", [entry("a"), entry("b", "a")])
    await board.syncs.mirror("roadmap", [entry("a", is_open=False, over=False), entry("b", "a")])
    b = await board.tasks.by_ref("b")
    assert b is not None
    assert (b.state, b.open_blockers) == (TaskState.PENDING, 1)
    await board.syncs.mirror("roadmap", [entry("a", is_open=False), entry("b", "a")])
    b = await board.tasks.by_ref("b")
    assert b is not None
    assert b.runnable


async def test_only_what_is_at_work_is_not_touched(board: Board, take: Take) -> None:
    await board.syncs.mirror("roadmap", [entry(name) for name in "abcd"])
    at_work = await take(source=Source.ROADMAP)
    parked = await take(source=Source.ROADMAP)
    blocked = await take(source=Source.ROADMAP)
    await board.attempts.park(parked.attempt, on="ci")
    await board.attempts.block(blocked.attempt, owner="human", action="decide")
    other = await board.tasks.add(NewTask(source=Source.BACKLOG, title="other", ref="other"))
    mine = await board.tasks.add(NewTask(source=Source.ROADMAP, title="without a ref"))
    await board.syncs.mirror("roadmap", [])
    found = {task.id: task.state for task in await board.tasks.find()}
    assert found[at_work.task.id] is TaskState.IN_PROGRESS
    assert found[parked.task.id] is TaskState.CANCELLED  # nobody works on it: it is not redone
    assert found[blocked.task.id] is TaskState.CANCELLED  # the person did it, or dropped it
    assert found[other.id] is found[mine.id] is TaskState.PENDING
    await board.attempts.complete(at_work.attempt)


@pytest.mark.parametrize(
    ("phase", "state"),
    [
        (Phase.CLAIMED, TaskState.CANCELLED),
        (Phase.WORKED, TaskState.CANCELLED),
        (Phase.VERIFIED, TaskState.PENDING),
        (Phase.DELIVERED, TaskState.PENDING),
    ],
)
async def test_a_returned_task_is_finished_if_its_own_work_may_have_closed_the_item(
    board: Board, take: Take, phase: Phase, state: TaskState
) -> None:
    await board.syncs.mirror("roadmap", [entry("a")])
    attempt = (await take(source=Source.ROADMAP)).attempt
    await board.attempts.record(attempt, phase=phase)
    await board.attempts.release(attempt)
    await board.syncs.mirror("roadmap", [entry("a", is_open=False)])
    assert await states(board) == {"a": state}


async def test_a_circle_in_a_source_does_not_stop_it(board: Board) -> None:
    new = await board.syncs.mirror(
        "roadmap", [entry("a", "b"), entry("b", "a"), entry("c", "c"), entry("d", "no such")]
    )
    assert [(task.ref, task.runnable) for task in new] == [
        ("a", False), ("b", True), ("c", True), ("d", True),
    ]  # fmt: skip
    cycles = await board.events.find(kind="sync.cycle")
    assert len(cycles) == 2
    assert "circle" in cycles[0].data["message"]


async def test_a_new_item_waits_for_a_task_of_ours_at_work(board: Board, take: Take) -> None:
    await board.syncs.mirror("roadmap", [entry("a")])
    claim = await take(source=Source.ROADMAP)
    (b,) = await board.syncs.mirror("roadmap", [entry("a", is_open=False), entry("b", "a")])
    assert not b.runnable
    assert await board.attempts.complete(claim.attempt) == [b.id]
    (c,) = await board.syncs.mirror("roadmap", [entry("b"), entry("c", "a")])
    assert c.runnable


async def test_mirroring_is_all_or_nothing(board: Board) -> None:
    broken = MirrorEntry(
        ref="b", open=True, data={}, task=NewTask(source=Source.ROADMAP, title="b", after=(99,))
    )
    with pytest.raises(Exception, match="no task 99"):
        await board.syncs.mirror("roadmap", [entry("a"), broken])
    assert await board.tasks.find() == []
    assert await board.syncs.entries("roadmap") == {}
