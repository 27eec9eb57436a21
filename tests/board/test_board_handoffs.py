"""Handoffs: all of it happens, or nothing; and what was handed over is never forgotten."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from neveridle.board import (
    AttemptState,
    Board,
    Claim,
    HandoffDocument,
    Priority,
    Source,
    Task,
    TaskState,
)
from neveridle.errors import StateConflict

Add = Callable[..., Awaitable[Task]]
Take = Callable[..., Awaitable[Claim]]
Seek = Callable[..., Awaitable[Claim | None]]
Contents = Callable[[], Awaitable[dict[str, list[tuple[Any, ...]]]]]
Broken = Callable[[str], AbstractAsyncContextManager[None]]

DOCUMENT = HandoffDocument(
    summary="Der Endpunkt läuft: 設定.",
    action="call it from the form",
    files_changed=("api.py", "mit Leerzeichen.py"),
    decisions=("JSON",),
    open_questions=("which colour?",),
    acceptance_criteria=("the form saves",),
    blockers=("none",),
    artifacts={"docs": "https://example.org/ü"},
    branch="neveridle/1-endpoint",
    commit="c" * 40,
)


async def give(board: Board, claim: Claim, to: str = "leo", *, verified: bool = True) -> int:
    """Hand over; the id of the receiver's task."""
    handoff = await board.handoffs.give(claim.attempt, to=to, document=DOCUMENT, verified=verified)
    return handoff.dispatch_id


async def dispatched(take: Take, agent: str = "leo") -> Claim:
    """The receiver takes it up."""
    return await take(agent, run=f"run of {agent}", source=Source.DISPATCH)


async def test_giving_does_everything_at_once(board: Board, add: Add, take: Take) -> None:
    task = await add(
        "form", ref="linear:AGT-1", ticket="AGT-1", priority=Priority.HIGH, skills=("python",),
        services=("github",), acceptance=("make test",), needs_change=False,
    )  # fmt: skip
    claim = await take(skills=["python"])
    handoff = await board.handoffs.give(
        claim.attempt,
        to="leo",
        document=DOCUMENT,
        verified=True,
        learning={
            "agent": "sam", "kind": "learning", "text": "t", "tags": [], "source": "task:1",
            "importance": 0.1, "trusted": False,
        },
    )  # fmt: skip
    assert (handoff.sender, handoff.receiver, handoff.verified) == ("sam", "leo", True)
    assert (handoff.document, handoff.fence, handoff.created_at) == (DOCUMENT, 1, 1e6)
    assert await board.handoffs.get(handoff.id) == handoff
    assert await board.handoffs.latest() == [handoff]
    waiting = await board.tasks.get(task.id)
    assert (waiting.state, waiting.waiting_on) == (
        TaskState.WAITING,
        f"task:{handoff.dispatch_id}",
    )
    dispatch = await board.tasks.get(handoff.dispatch_id)
    assert (dispatch.source, dispatch.assignee, dispatch.ref) == (
        Source.DISPATCH,
        "leo",
        "linear:AGT-1>leo",
    )
    assert (dispatch.continues, dispatch.handoff, dispatch.priority, dispatch.ticket) == (
        task.id,
        handoff.id,
        Priority.HIGH,
        "AGT-1",
    )
    assert (dispatch.services, dispatch.acceptance, dispatch.needs_change) == (
        ("github",),
        ("make test",),
        False,
    )
    ended = await board.attempts.get(task.id, 1)
    assert ended is not None
    assert ended.state is AttemptState.HANDED_OFF
    (message,) = await board.messages.latest("dev")
    assert (message.author, message.content) == (
        "sam",
        "Handing off AGT-1 to @leo: call it from the form",
    )
    assert len(await board.memories.newest(5)) == 1
    (event,) = await board.events.find(kind="task.handed_off")
    assert event.data == {
        "to": "leo", "handoff": handoff.id, "dispatch": dispatch.id, "verified": True,
        "started_at": ended.started_at,
    }  # fmt: skip


@pytest.mark.parametrize("table", ["tasks", "handoffs", "messages", "events", "memories"])
async def test_a_handoff_that_fails_in_the_middle_never_was(
    board: Board, add: Add, take: Take, contents: Contents, broken: Broken, table: str
) -> None:
    await add()
    claim = await take()
    learning: dict[str, Any] = {
        "agent": "sam", "kind": "learning", "text": "t", "tags": [], "source": "", "trusted": False,
        "importance": 0.1,
    }  # fmt: skip
    before = await contents()
    async with broken(table):
        with pytest.raises(Exception, match="boom"):
            await board.handoffs.give(
                claim.attempt, to="leo", document=DOCUMENT, verified=True, learning=learning
            )
    assert await contents() == before
    await give(board, claim)


async def test_completing_completes_the_whole_chain_and_wakes_what_waited(
    board: Board, add: Add, take: Take
) -> None:
    task = await add("form")
    waits = await add("waits", after=(task.id,))
    first = await give(board, await take())
    second = await give(board, await dispatched(take), to="quinn")
    also = await add("waits for the dispatch", after=(first,))
    assert (await board.tasks.get(first)).waiting_on == f"task:{second}"
    done = await board.attempts.complete((await dispatched(take, "quinn")).attempt)
    assert sorted(done) == [waits.id, also.id]
    for link in (task.id, first, second):
        assert (await board.tasks.get(link)).state is TaskState.COMPLETED
    completed = await board.events.find(kind="task.completed")
    assert [(event.task_id, event.agent, event.fence) for event in completed] == [
        (second, "quinn", 1), (first, "quinn", None), (task.id, "quinn", None),
    ]  # fmt: skip
    assert completed[1].data == completed[2].data == {"through": second}


async def test_two_tasks_of_one_name_are_handed_over_to_two_tasks(
    board: Board, add: Add, take: Take
) -> None:
    one, two = await add("fix the tests"), await add("fix the tests")
    first, second = await give(board, await take()), await give(board, await take())
    assert first != second
    refs = [(await board.tasks.get(task)).ref for task in (first, second)]
    assert refs == ["backlog:fix-the-tests>leo", "backlog:fix-the-tests>leo#2"]
    await board.attempts.complete((await dispatched(take)).attempt)
    assert (await board.tasks.get(one.id)).state is TaskState.COMPLETED
    assert (await board.tasks.get(two.id)).state is TaskState.WAITING


async def test_by_hand_a_person_hands_over_what_nobody_works_on(
    board: Board, add: Add, take: Take, seek: Seek
) -> None:
    blocker = await add("blocker", priority=Priority.HIGH)
    task = await add("task", after=(blocker.id,))
    handoff = await board.handoffs.give_by_hand(task.id, sender="max", to="leo", document=DOCUMENT)
    assert (handoff.fence, handoff.verified) == (0, False)
    # What the task waits for, its continuation waits for too.
    assert await seek("leo", source=Source.DISPATCH) is None
    assert await board.tasks.blockers(handoff.dispatch_id) == [blocker.id]
    assert await board.attempts.complete((await take()).attempt) == [handoff.dispatch_id]
    claim = await dispatched(take)
    with pytest.raises(StateConflict, match="in_progress"):
        await board.handoffs.give_by_hand(
            handoff.dispatch_id, sender="max", to="sam", document=DOCUMENT
        )
    with pytest.raises(StateConflict, match="waiting"):
        await board.handoffs.give_by_hand(task.id, sender="max", to="sam", document=DOCUMENT)
    await board.attempts.complete(claim.attempt)
    assert (await board.tasks.get(task.id)).state is TaskState.COMPLETED


async def test_letting_a_continuation_go_lets_go_what_it_continues(
    board: Board, add: Add, take: Take
) -> None:
    blocker = await add("blocker")
    task = await add("task", after=(blocker.id,))
    handoff = await board.handoffs.give_by_hand(task.id, sender="max", to="leo", document=DOCUMENT)
    await board.tasks.release_dependency(handoff.dispatch_id, blocker.id)
    assert (await board.tasks.get(task.id)).open_blockers == 0
    assert (await board.tasks.get(blocker.id)).unblocks == 0
    await board.attempts.complete((await dispatched(take)).attempt)
    assert (await board.tasks.get(task.id)).state is TaskState.COMPLETED


async def test_cancelling_the_receivers_task_asks_a_person_about_the_senders(
    board: Board, add: Add, take: Take, seek: Seek
) -> None:
    task = await add()
    dispatch = await give(board, await take())
    await dispatched(take)
    await board.tasks.cancel(dispatch)
    blocked = await board.tasks.get(task.id)
    assert (blocked.state, blocked.blocked_owner) == (TaskState.BLOCKED, "human")
    assert f"`neveridle tasks retry {task.id}`" in blocked.blocked_action
    # Either the dispatch is taken up after all …
    await board.tasks.retry(dispatch)
    assert (await board.tasks.get(task.id)).state is TaskState.WAITING
    assert (await board.tasks.get(task.id)).blocked_action == ""
    await board.tasks.cancel(dispatch)
    # … or the task is taken back, and then the dispatch is out of it.
    await board.tasks.retry(task.id)
    with pytest.raises(StateConflict, match="goes on without it"):
        await board.tasks.retry(dispatch)
    again = await take()
    assert (again.attempt.number, again.attempt.resumes) == (2, None)
    await board.attempts.complete(again.attempt)
    assert (await board.tasks.get(dispatch)).state is TaskState.CANCELLED


async def test_a_task_can_be_handed_over_by_hand_again_and_again(
    board: Board, add: Add, take: Take
) -> None:
    task = await add()
    first = await give(board, await take())
    await board.tasks.cancel(first)
    second = await board.handoffs.give_by_hand(task.id, sender="max", to="leo", document=DOCUMENT)
    waiting = await board.tasks.get(task.id)
    assert (waiting.state, waiting.blocked_action) == (TaskState.WAITING, "")
    with pytest.raises(StateConflict):
        await board.tasks.retry(first)
    await board.tasks.cancel(second.dispatch_id)
    third = await board.handoffs.give_by_hand(task.id, sender="max", to="quinn", document=DOCUMENT)
    assert [handoff.dispatch_id for handoff in await board.handoffs.latest()] == [
        first, second.dispatch_id, third.dispatch_id,
    ]  # fmt: skip
    assert [h.id for h in await board.handoffs.latest(limit=1)] == [third.id]


async def test_cancelling_the_senders_task_cancels_the_whole_chain(
    board: Board, add: Add, take: Take
) -> None:
    task = await add()
    first = await give(board, await take())
    second = await give(board, await dispatched(take), to="quinn")
    claim = await dispatched(take, "quinn")
    await board.tasks.cancel(task.id)
    for link in (task.id, first, second):
        assert (await board.tasks.get(link)).state is TaskState.CANCELLED
    assert await board.attempts.renew([claim.attempt.run], lease=60) == set()
    for link in (first, second):
        with pytest.raises(StateConflict, match="goes on without it"):
            await board.tasks.retry(link)
    assert (await board.tasks.retry(task.id)).runnable


async def test_what_somebody_else_goes_on_with_is_not_taken_up_twice(
    board: Board, add: Add, take: Take
) -> None:
    task = await add()
    dispatch = await give(board, await take())
    with pytest.raises(StateConflict, match=f"handed over to task {dispatch}") as error:
        await board.tasks.retry(task.id)
    assert f"neveridle tasks cancel {dispatch}" in error.value.remedy
    # A blocked continuation is retried itself.
    await board.attempts.block((await dispatched(take)).attempt, owner="human", action="a")
    await board.tasks.retry(dispatch)
    await board.attempts.complete((await dispatched(take)).attempt)
    assert (await board.tasks.get(task.id)).state is TaskState.COMPLETED


async def test_a_task_that_only_follows_another_ends_alone(
    board: Board, add: Add, take: Take
) -> None:
    """``continues`` without a handoff: nothing waits for it."""
    task = await add("first")
    await board.attempts.park((await take()).attempt, on="human")
    helps = await add("helps", continues=task.id)
    await board.attempts.complete((await take()).attempt)
    assert (await board.tasks.get(helps.id)).state is TaskState.COMPLETED
    assert (await board.tasks.get(task.id)).state is TaskState.WAITING
    other = await add("helps too", continues=task.id)
    await board.tasks.cancel(other.id)
    assert (await board.tasks.get(task.id)).state is TaskState.WAITING
    assert (await board.tasks.retry(other.id)).runnable
    assert (await board.tasks.retry(task.id)).runnable
