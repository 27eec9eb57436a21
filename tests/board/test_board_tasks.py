"""Tasks: put there once, tied together, taken off the table, taken up again."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from neveridle.board import (
    Board,
    Claim,
    HandoffDocument,
    NewTask,
    Priority,
    Source,
    Task,
    TaskState,
)
from neveridle.errors import DependencyCycle, LeaseLost, NotFound, StateConflict

Add = Callable[..., Awaitable[Task]]
Take = Callable[..., Awaitable[Claim]]
Sql = Callable[..., Awaitable[list[tuple[Any, ...]]]]

DOCUMENT = HandoffDocument(summary="half", action="the other half")


async def test_everything_said_of_a_task_is_kept(board: Board, add: Add) -> None:
    first = await add("first")
    said = NewTask(
        source=Source.ROADMAP,
        title="Überarbeite die 設定 🛠",
        description="line\r\nline",
        ref="roadmap:ROADMAP.md#überarbeite",
        ticket="AGT-1",
        priority=Priority.URGENT,
        assignee="zoë",
        skills=("python", "日本語", "python"),
        services=("github",),
        after=(first.id,),
        acceptance=("make test", 'test "$(cat ü)" = 1'),
        needs_change=False,
        budget={"model_calls": 20.0},
    )
    task = await board.tasks.add(said)
    assert (task.source, task.title, task.description) == (said.source, said.title, "line\r\nline")
    assert (task.ref, task.ticket, task.priority) == (said.ref, "AGT-1", Priority.URGENT)
    assert (task.assignee, task.skills, task.services) == (
        "zoë",
        ("python", "日本語"),
        ("github",),
    )
    assert (task.acceptance, task.needs_change, task.budget) == (
        said.acceptance,
        False,
        {"model_calls": 20.0},
    )
    assert (task.state, task.open_blockers, task.fence) == (TaskState.PENDING, 1, 0)
    assert (task.created_at, task.updated_at, task.completed_at) == (1e6, 1e6, None)
    assert await board.tasks.get(task.id) == task
    assert await board.tasks.by_ref("roadmap:ROADMAP.md#überarbeite") == task
    assert await board.tasks.by_ref("no such") is None


async def test_text_no_database_takes_is_made_storable(board: Board, add: Add) -> None:
    task = await add("half a pair \ud83d and \0", budget={"\ud83d": 1.0})
    assert task.title == "half a pair ? and \ufffd"
    await board.messages.post("dev", "sam", "\udc00")
    await board.events.append("model.call", {"said": "\ud83d"})
    assert (await board.messages.latest("dev"))[0].content == "?"
    assert (await board.events.find(kind="model.call"))[0].data == {"said": "\ud83d"}


async def test_the_same_ref_never_becomes_two_tasks(board: Board, add: Add) -> None:
    first = await add("one", ref="linear:AGT-1")
    again = await add("another title", ref="linear:AGT-1", priority=Priority.HIGH)
    assert again == first
    both = await board.tasks.add_all(
        [
            NewTask(source=Source.BACKLOG, title="x", ref="r"),
            NewTask(source=Source.BACKLOG, title="y", ref="r"),
        ]
    )
    assert both[0].id == both[1].id
    assert len(await board.tasks.find()) == 2
    assert len(await board.events.find(kind="task.added")) == 2
    # Without a ref nothing tells them apart, so both are meant.
    assert (await add("same")).id != (await add("same")).id


async def test_adding_several_is_all_or_nothing(board: Board) -> None:
    with pytest.raises(NotFound, match="no task 99"):
        await board.tasks.add_all(
            [
                NewTask(source=Source.BACKLOG, title="fine"),
                NewTask(source=Source.BACKLOG, title="waits for what is not there", after=(99,)),
            ]
        )
    assert await board.tasks.find() == []
    assert await board.events.find() == []


async def test_find_filters(board: Board, add: Add) -> None:
    a = await add("a", assignee="sam")
    b = await add("b", source=Source.ROADMAP)
    await board.tasks.cancel(a.id)
    assert [t.id for t in await board.tasks.find(states=[TaskState.PENDING])] == [b.id]
    assert [t.id for t in await board.tasks.find(sources=[Source.BACKLOG])] == [a.id]
    assert [t.id for t in await board.tasks.find(assignee="sam")] == [a.id]
    assert [t.id for t in await board.tasks.find(limit=1)] == [a.id]
    assert [t.id for t in await board.tasks.find(states=[])] == []
    counts = await board.tasks.counts()
    assert counts[TaskState.PENDING] == counts[TaskState.CANCELLED] == 1
    assert counts[TaskState.BLOCKED] == 0
    assert set(counts) == set(TaskState)


async def test_what_is_not_there_is_not_found(board: Board) -> None:
    for call in (
        board.tasks.get(7),
        board.tasks.cancel(7),
        board.tasks.retry(7),
        board.tasks.depend(7, 8),
        board.tasks.release_dependency(7, 8),
        board.handoffs.get(7),
        board.handoffs.give_by_hand(7, sender="me", to="leo", document=DOCUMENT),
    ):
        with pytest.raises(NotFound) as error:
            await call
        assert error.value.remedy or "task" in error.value.message


async def test_a_circle_is_refused_and_shown(board: Board, add: Add) -> None:
    a, b, c, d = [(await add(name)).id for name in "abcd"]
    await board.tasks.depend(a, on=b)
    await board.tasks.depend(b, on=c)
    await board.tasks.depend(b, on=d)
    before = await board.tasks.find()
    with pytest.raises(DependencyCycle) as error:
        await board.tasks.depend(c, on=a)
    assert re.findall(r"\d+", error.value.message.partition("circle")[2]) == [
        str(step) for step in (c, a, b, c)
    ]
    with pytest.raises(DependencyCycle, match="itself"):
        await board.tasks.depend(a, on=a)
    assert await board.tasks.find() == before
    await board.tasks.depend(d, on=c)  # a diamond is no circle


async def test_a_circle_through_a_handoff_is_refused(board: Board, add: Add, take: Take) -> None:
    waits = await add("waits")
    first = await add("first", priority=Priority.HIGH)
    claim = await take()
    assert claim.task.id == first.id
    handoff = await board.handoffs.give(claim.attempt, to="leo", document=DOCUMENT, verified=False)
    await board.tasks.depend(waits.id, on=first.id)
    # The dispatch must be done before what was handed over is, so it cannot wait for it.
    with pytest.raises(DependencyCycle) as error:
        await board.tasks.depend(handoff.dispatch_id, on=waits.id)
    assert f"{waits.id} → {first.id} → {handoff.dispatch_id}" in error.value.message
    with pytest.raises(StateConflict, match=f"handed over to task {handoff.dispatch_id}"):
        await board.tasks.depend(first.id, on=(await add("late")).id)


async def test_a_dependency_said_twice_counts_once(board: Board, add: Add) -> None:
    a, b = await add("a"), await add("b")
    for _ in range(2):
        await board.tasks.depend(a.id, on=b.id)
    assert (await board.tasks.get(a.id)).open_blockers == 1
    assert (await board.tasks.get(b.id)).unblocks == 1
    assert await board.tasks.blockers(a.id) == [b.id]


async def test_only_what_nobody_works_on_can_be_made_to_wait(
    board: Board, add: Add, take: Take
) -> None:
    task, other = await add("at work"), await add("other")
    claim = await take()
    with pytest.raises(StateConflict, match="in_progress"):
        await board.tasks.depend(task.id, on=other.id)
    await board.attempts.complete(claim.attempt)
    with pytest.raises(StateConflict, match="completed"):
        await board.tasks.depend(task.id, on=other.id)
    # Waiting for what is done already is no wait.
    await board.tasks.depend(other.id, on=task.id)
    assert (await board.tasks.get(other.id)).runnable


async def test_a_waiting_task_that_gets_a_blocker_is_not_runnable_when_its_wait_is_over(
    board: Board, add: Add, take: Take
) -> None:
    task, blocker = await add("parked", priority=Priority.HIGH), await add("blocker")
    await board.attempts.park((await take()).attempt, on="ci", until=1_000_010.0)
    await board.tasks.depend(task.id, on=blocker.id)
    version = await board.version()
    await board.clock.advance(11)
    assert await board.sweep() == []
    assert await board.version() == version
    assert (await board.tasks.get(task.id)).state is TaskState.PENDING
    claim = await take()
    assert claim.task.id == blocker.id
    assert await board.attempts.complete(claim.attempt) == [task.id]


async def test_cancelling_takes_the_lease_and_cannot_be_undone_by_the_attempt(
    board: Board, add: Add, take: Take
) -> None:
    task = await add()
    claim = await take()
    cancelled = await board.tasks.cancel(task.id, reason="changed our mind")
    assert (cancelled.state, cancelled.completed_at) == (TaskState.CANCELLED, 1e6)
    with pytest.raises(LeaseLost):
        await board.attempts.complete(claim.attempt)
    assert await board.attempts.renew(["run-1"], lease=60) == set()
    assert await board.tasks.cancel(task.id) == cancelled
    events = await board.events.find(kind="task.cancelled")
    assert [event.data for event in events] == [
        {"reason": "changed our mind", "started_at": claim.attempt.started_at}
    ]
    # Taken up again it is a new try.
    assert (await board.tasks.retry(task.id)).runnable
    again = await take()
    assert (again.attempt.fence, again.attempt.number, again.attempt.resumes) == (2, 2, None)
    await board.attempts.complete(again.attempt)
    for call in (board.tasks.cancel, board.tasks.retry):
        with pytest.raises(StateConflict, match="completed"):
            await call(task.id)


async def test_what_waits_for_a_cancelled_task_is_stuck_until_somebody_decides(
    board: Board, add: Add, take: Take
) -> None:
    blocker = await add("blocker")
    waits, also = await add("waits", after=(blocker.id,)), await add("also", after=(blocker.id,))
    assert (await board.tasks.get(blocker.id)).unblocks == 2
    await board.tasks.cancel(also.id)
    assert (await board.tasks.get(blocker.id)).unblocks == 1
    await board.tasks.cancel(blocker.id)
    assert [task.id for task in await board.tasks.stuck()] == [waits.id]
    assert (await board.status())["stuck"] == [
        {"id": waits.id, "title": "waits", "on": blocker.id, "on_state": "cancelled"}
    ]
    # One way out: the dependency does not stand any more.
    version = await board.version()
    await board.tasks.release_dependency(waits.id, blocker.id)
    assert await board.version() == version + 1
    assert (await board.tasks.get(waits.id)).runnable
    assert await board.tasks.stuck() == []
    await board.tasks.release_dependency(waits.id, blocker.id)
    assert await board.version() == version + 1
    # The other: the blocker is done after all.
    await board.tasks.retry(also.id)
    assert [task.id for task in await board.tasks.stuck()] == [also.id]
    await board.tasks.retry(blocker.id)
    assert await board.tasks.stuck() == []
    claim = await take()
    assert claim.task.id == blocker.id
    assert claim.task.unblocks == 1
    assert await board.attempts.complete(claim.attempt) == [also.id]
    assert (await board.tasks.get(blocker.id)).unblocks == 0


async def test_a_blocker_that_is_done_while_a_task_is_cancelled_does_not_hold_it_later(
    board: Board, add: Add, take: Take
) -> None:
    blocker = await add("blocker")
    waits = await add("waits", after=(blocker.id,))
    await board.tasks.cancel(waits.id)
    assert await board.attempts.complete((await take()).attempt) == []
    assert (await board.tasks.retry(waits.id)).runnable
    assert (await take()).task.id == waits.id


async def test_retry_forgives(board: Board, add: Add, take: Take) -> None:
    task = await add()
    claim = await take()
    assert not await board.attempts.fail(claim.attempt, code="x", error="y", limit=1)
    assert (await board.tasks.get(task.id)).state is TaskState.BLOCKED
    again = await board.tasks.retry(task.id)
    assert (again.state, again.failures, again.blocked_owner, again.blocked_action) == (
        TaskState.PENDING,
        0,
        "",
        "",
    )
    with pytest.raises(StateConflict, match="pending"):
        await board.tasks.retry(task.id)
    await take()
    with pytest.raises(StateConflict, match="in_progress"):
        await board.tasks.retry(task.id)


async def test_the_version_rises_exactly_when_something_becomes_runnable(
    board: Board, add: Add, take: Take
) -> None:
    seen = await board.version()

    async def rose(by: int) -> bool:
        nonlocal seen
        before, seen = seen, await board.version()
        return seen - before == by

    first = await add("first", ref="r")
    assert await rose(1)
    await add("first", ref="r")
    assert await rose(0)
    second = await add("second", after=(first.id,))
    assert await rose(0)
    claim = await take()
    await board.attempts.renew(["run-1"], lease=60)
    await board.attempts.record(claim.attempt, branch="b")
    assert await rose(0)
    await board.attempts.release(claim.attempt)
    assert await rose(1)
    claim = await take()
    await board.attempts.park(claim.attempt, on="human")
    assert await rose(0)
    await board.tasks.retry(first.id)
    assert await rose(1)
    claim = await take()
    await board.attempts.block(claim.attempt, owner="human", action="look")
    await board.tasks.cancel(second.id)
    await board.tasks.retry(second.id)  # it still waits for the first
    assert await rose(0)
    await board.tasks.retry(first.id)
    assert await rose(1)
    claim = await take()
    await board.attempts.fail(claim.attempt, code="x", error="y", limit=2)
    assert await rose(1)
    claim = await take()
    await board.attempts.fail(claim.attempt, code="x", error="y", limit=2)
    assert await rose(0)
    await board.tasks.retry(first.id)
    assert await rose(1)
    claim = await take()
    assert await board.attempts.complete(claim.attempt) == [second.id]
    assert await rose(1)
    claim = await take()
    await board.attempts.complete(claim.attempt)
    assert await rose(0)
    await board.messages.post("dev", "sam", "hello")
    await board.events.append("model.call")
    assert await rose(0)
