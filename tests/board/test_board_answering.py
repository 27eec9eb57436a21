"""Asking people and peers, on every database: one transaction each, nothing lost or said twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from neveridle.board import AttemptState, Board, TaskState
from neveridle.board.aging import Ages
from neveridle.board.inbox_item import ItemKind, ItemState, NewItem
from neveridle.board.questions import Ask
from neveridle.errors import LeaseLost, NeveridleError, StateConflict

COLOUR = Ask(title="Colour?", body="Red or blue?", interrupt="i-1")
BRUSH = Ask(title="Brush?", interrupt="i-2")
LEO = Ask(title="Tag?", body="Which tag?", interrupt="i-3", peer="leo")
MERGE = Ask(kind=ItemKind.APPROVAL, title="Merge abc", action="merge", what="abc")


@pytest.fixture
async def claim(board: Board, add: Any, take: Any) -> Any:
    """A task that sam has claimed."""
    await add()
    return await take()


async def test_parking_and_asking_are_one(board: Board, claim: Any, broken: Any) -> None:
    for table in ("inbox", "task_links"):
        async with broken(table):
            with pytest.raises(Exception, match="boom"):
                await board.answering.park(claim.attempt, [COLOUR, LEO])
        (attempt,) = await board.attempts.of(claim.task.id)
        assert attempt.state is AttemptState.ACTIVE
        assert await board.inbox.find(state=None) == []
        assert len(await board.tasks.find()) == 1
    (item,) = await board.answering.park(claim.attempt, [COLOUR, LEO])
    task = await board.tasks.get(claim.task.id)
    assert (task.state, task.waiting_on, task.open_blockers) == (TaskState.WAITING, "human", 1)
    assert (item.fingerprint, item.interrupt, item.task, item.fence, item.agent) == (
        *(f"ask:{task.id}:i-1", "i-1", task.id, 1, "sam"),
    )
    with pytest.raises(LeaseLost):
        await board.answering.park(claim.attempt, [COLOUR])


async def test_the_time_before_a_question_was_work(board: Board, claim: Any) -> None:
    await board.clock.advance(30)
    await board.answering.park(claim.attempt, [COLOUR])
    (parked,) = await board.events.find(kind="attempt.parked")
    assert parked.data["started_at"] == claim.attempt.started_at
    window = await board.metrics.window(since=claim.attempt.started_at - 60)
    figures = await board.metrics.of(window)
    assert figures.counts.worked_on == 1


async def test_a_yes_holds_as_long_as_its_task_is_open(board: Board, claim: Any) -> None:
    (item,) = await board.answering.park(claim.attempt, [MERGE])
    await board.answering.answer(item.id, by="eve")
    await board.clock.advance(100 * 86_400)
    assert (await board.retention.tidy(Ages(events=90.0), holder="me"))["inbox"] == 0
    assert await board.answering.approval(item.fingerprint) is not None
    await board.tasks.cancel(claim.task.id, reason="Not needed.")
    assert (await board.retention.tidy(Ages(events=90.0), holder="me"))["inbox"] == 1


async def test_it_goes_on_once_people_and_peers_have_answered(
    board: Board, claim: Any, seek: Any, take: Any, recounted: Any
) -> None:
    from neveridle.board import Source

    task = claim.task.id
    colour, brush = await board.answering.park(claim.attempt, [COLOUR, BRUSH, LEO])
    await recounted(board)
    await board.answering.answer(colour.id, text=" Red\0\n", by="eve")
    assert await seek() is None
    asked = await take("leo", run="run-2", source=Source.DISPATCH)
    assert (asked.task.title, asked.task.description, asked.task.needs_change) == (
        *("Answer sam: Tag?", "Which tag?", False),
    )
    outcome = {"status": "completed", "summary": "<b>"}
    await board.attempts.record(asked.attempt, outcome=outcome)
    await board.attempts.complete(asked.attempt)
    assert await seek() is None
    await board.answering.answer(brush.id, text="Flat", by="eve")
    await recounted(board)
    again = await take()
    assert (again.task.id, again.attempt.resumes) == (task, 1)
    said = [
        (one.interrupt, one.text, one.by, one.peer) for one in await board.answering.answers(task)
    ]
    assert said == [
        ("i-1", "Red\ufffd", "eve", False),
        ("i-2", "Flat", "eve", False),
        ("i-3", "<b>", "leo", True),
    ]
    # Asked again by a process that did not know: it goes on at once.
    assert await board.answering.park(again.attempt, [COLOUR, BRUSH, LEO]) == []
    assert (await take()).attempt.resumes == 2
    assert len(await board.tasks.find()) == 2


async def test_of_two_answers_one_counts(board: Board, claim: Any) -> None:
    (item,) = await board.answering.park(claim.attempt, [COLOUR])
    both = [board.answering.answer(item.id, text=name, by=name) for name in ("eve", "adam")]
    done = await asyncio.gather(*both, return_exceptions=True)
    (won,) = [one for one in done if not isinstance(one, BaseException)]
    (lost,) = [one for one in done if isinstance(one, BaseException)]
    assert isinstance(lost, StateConflict)
    assert lost.message == (
        f"Item {item.id} was answered by {won.answered_by} at 1970-01-12 13:46:40 UTC."
    )
    assert (await board.inbox.get(item.id)).answer == {"approved": True, "text": won.answered_by}


async def test_an_answer_wakes_who_rests(board: Board, claim: Any, sql: Any) -> None:
    (item,) = await board.answering.park(claim.attempt, [COLOUR])
    before = await sql("SELECT version FROM wakeups")
    await board.answering.answer(item.id, text="Red", by="eve")
    assert await sql("SELECT version FROM wakeups") > before


async def test_what_is_over_needs_no_answer(board: Board, claim: Any, recounted: Any) -> None:
    task = claim.task.id
    (item,) = await board.answering.park(claim.attempt, [COLOUR, LEO])
    alert = await board.inbox.put(
        NewItem(kind=ItemKind.ALERT, fingerprint="alert:x", title="Smoke", task=task)
    )
    await board.tasks.cancel(task)
    assert (await board.inbox.get(item.id)).state is ItemState.WITHDRAWN
    assert (await board.inbox.get(alert.id)).state is ItemState.OPEN
    assert [one.state for one in await board.tasks.find()] == [TaskState.CANCELLED] * 2
    await recounted(board)
    with pytest.raises(StateConflict, match="was withdrawn"):
        await board.answering.answer(item.id, text="Red", by="eve")
    with pytest.raises(StateConflict, match="was withdrawn"):
        await board.answering.dismiss(item.id, by="eve")


@pytest.mark.parametrize("how", ["fail", "block"])
async def test_an_attempt_that_ends_takes_its_questions_with_it(
    board: Board, claim: Any, take: Any, how: str
) -> None:
    (item,) = await board.answering.park(claim.attempt, [COLOUR])
    await board.tasks.retry(claim.task.id)
    again = await take()
    if how == "fail":
        await board.attempts.fail(again.attempt, code="x", error="x", limit=3)
    else:
        await board.attempts.block(again.attempt, owner="human", action="x")
    assert (await board.inbox.get(item.id)).state is ItemState.WITHDRAWN


@pytest.mark.parametrize("how", ["fail", "block", "cancel", "hand over, then fail"])
async def test_a_peer_that_cannot_answer_lets_go(
    board: Board, claim: Any, take: Any, how: str, recounted: Any
) -> None:
    from neveridle.board import HandoffDocument, Source

    await board.answering.park(claim.attempt, [LEO])
    asked = await take("leo", run="run-2", source=Source.DISPATCH)
    if how.startswith("hand over"):
        document = HandoffDocument(summary="So far", action="find it")
        await board.handoffs.give(asked.attempt, to="max", document=document, verified=False)
        asked = await take("max", run="run-3", source=Source.DISPATCH)
    if how == "cancel":
        await board.tasks.cancel(asked.task.id)
    elif how == "block":
        await board.attempts.block(asked.attempt, owner="human", action="give a key")
    else:
        again = await board.attempts.fail(asked.attempt, code="x", error="No idea.", limit=1)
        assert not again
    await recounted(board)
    (answer,) = await board.answering.answers(claim.task.id)
    assert (answer.approved, answer.peer, answer.interrupt) == (False, True, "i-3")
    if "fail" in how:
        assert answer.text == "No idea."
    assert (await take()).task.id == claim.task.id
    assert await board.tasks.stuck() == []


async def test_askers_are_known_through_chains(board: Board, claim: Any, take: Any) -> None:
    from neveridle.board import HandoffDocument, Source

    await board.answering.park(claim.attempt, [LEO])
    asked = await take("leo", run="run-2", source=Source.DISPATCH)
    document = HandoffDocument(summary="So far", action="find it")
    await board.handoffs.give(asked.attempt, to="max", document=document, verified=False)
    further = await take("max", run="run-3", source=Source.DISPATCH)
    assert await board.answering.askers(further.task.id) == ["sam"]
    quinn = Ask(title="You?", interrupt="i-4", peer="quinn")
    await board.answering.park(further.attempt, [quinn])
    last = await take("quinn", run="run-4", source=Source.DISPATCH)
    assert await board.answering.askers(last.task.id) == ["max", "sam"]
    assert await board.answering.askers(claim.task.id) == []


async def test_a_merge_is_decided_for_its_commit(board: Board, claim: Any, take: Any) -> None:
    (item,) = await board.answering.park(claim.attempt, [MERGE], until=1_000_100.0)
    fingerprint = f"merge:{claim.task.id}:abc"
    assert (item.fingerprint, await board.answering.approval(fingerprint)) == (fingerprint, None)
    await board.clock.advance(101)
    await board.sweep()
    again = await take()  # it looks again by itself, and asks nobody twice
    assert await board.answering.park(again.attempt, [MERGE]) == []
    await board.answering.answer(item.id, approved=False, text="no", by="eve")
    decided = await board.answering.approval(fingerprint)
    assert decided is not None
    assert not decided.approved
    assert (await board.tasks.get(claim.task.id)).state is TaskState.PENDING
    # Other words about the same task: what was asked before is withdrawn.
    third = await take()
    (other,) = await board.answering.park(third.attempt, [COLOUR])
    fourth_ask = Ask(kind=ItemKind.APPROVAL, title="Merge", action="merge", what="def")
    await board.tasks.retry(claim.task.id)
    await board.answering.park((await take()).attempt, [fourth_ask])
    assert (await board.inbox.get(other.id)).state is ItemState.WITHDRAWN


async def test_mistakes_are_refused(board: Board, claim: Any) -> None:
    (item,) = await board.answering.park(claim.attempt, [COLOUR])
    alert = await board.inbox.put(NewItem(kind=ItemKind.ALERT, fingerprint="a", title="Smoke"))
    for number, said in ((item.id, ""), (item.id, " \n"), (item.id, "x" * 8001), (alert.id, "x")):
        with pytest.raises(StateConflict):
            await board.answering.answer(number, text=said, by="eve")
    with pytest.raises(NeveridleError):
        await board.answering.answer(99, text="x", by="eve")
    assert (await board.answering.answer(item.id, approved=False, by="eve")).state == "answered"
