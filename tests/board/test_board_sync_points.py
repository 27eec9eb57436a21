"""Sync points: who checks in, who may not, and what the last check-in brings about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from neveridle.board import (
    Board,
    Claim,
    HandoffDocument,
    NewTask,
    NextPhase,
    PointState,
    Policy,
    Priority,
    Source,
    Standing,
    SyncPoint,
    Task,
    TaskState,
)
from neveridle.errors import LeaseLost, NotFound, StateConflict

Take = Callable[..., Awaitable[Claim]]
Contents = Callable[[], Awaitable[dict[str, list[tuple[Any, ...]]]]]
Broken = Callable[[str], AbstractAsyncContextManager[None]]
Meet = Callable[..., Awaitable[SyncPoint]]

BLOCKED, READY = Standing.BLOCKED, Standing.READY


@pytest.fixture
def meet(board: Board) -> Meet:
    """Puts a sync point of sam, leo and quinn on the board, with max as the lead."""

    async def create(name: str = "merge", **said: Any) -> SyncPoint:
        given: dict[str, Any] = {
            "participants": ["sam", "leo", "quinn"],
            "lead": "max",
            "next_phase": NextPhase(title="Merge it all"),
        }
        return await board.sync_points.create(name, **given | said)

    return create


def part(agent: str, title: str = "part") -> NewTask:
    """What one of the participants has to do."""
    return NewTask(source=Source.BACKLOG, title=title, assignee=agent)


async def dispatches(board: Board) -> list[Task]:
    """The next phases there are."""
    return [t for t in await board.tasks.find() if (t.ref or "").startswith("sync:")]


async def said(board: Board) -> list[str]:
    """What the channel was told."""
    return [message.content for message in await board.messages.latest("dev")]


async def standings(board: Board, name: str = "merge") -> dict[str, Standing]:
    """How everybody stands."""
    return {p.participant: p.status for p in (await board.sync_points.get(name)).places}


# --- checking in


async def test_the_last_check_in_dispatches_the_next_phase(board: Board, meet: Meet) -> None:
    phase = NextPhase(
        title="Merge it all", description="In order.", priority=Priority.URGENT, ticket="AGT-9",
        skills=("git",), acceptance=("make test",), needs_change=False,
    )  # fmt: skip
    point = await meet(next_phase=phase, description="the parts", within=60.0)
    assert (point.state, point.deadline, point.period) == (PointState.OPEN, 1e6 + 60, 60.0)
    assert (point.next_phase, point.policy, point.dispatch_id) == (phase, Policy.FAIL, None)
    assert await board.next_due() == 1e6 + 60
    version = await board.version()
    for agent in ("SAM", " leo "):  # as people write them
        answer = await board.sync_points.check_in("merge", agent)
        assert (answer.changed, answer.released) == (True, False)
    assert answer.answer == "leo is ready at sync point 'merge'; still missing: quinn."
    assert await board.version() == version
    assert await dispatches(board) == []
    await board.clock.advance(5)
    answer = await board.sync_points.check_in(point.id, "quinn")
    assert (answer.changed, answer.released) == (True, True)
    assert await board.version() == version + 1
    (task,) = await dispatches(board)
    released = answer.point
    assert (released.state, released.dispatch_id, released.closed_at) == (
        PointState.RELEASED, task.id, 1e6 + 5,
    )  # fmt: skip
    assert await board.sync_points.get("merge") == released
    assert (task.source, task.assignee, task.title, task.priority, task.ticket) == (
        Source.DISPATCH, "max", "Merge it all", Priority.URGENT, "AGT-9",
    )  # fmt: skip
    assert (task.skills, task.acceptance, task.needs_change) == (("git",), ("make test",), False)
    assert (task.ref, task.runnable) == ("sync:merge", True)
    assert task.description.startswith("In order.\n\nAll have checked in at sync point 'merge':")
    assert "- quinn: ready" in task.description
    assert await said(board) == [
        f"Sync point 'merge' is released. @max goes on with task {task.id}: Merge it all"
    ]
    (event,) = await board.events.find(kind="sync_point.released")
    assert event.data == {"point": "merge", "dispatch": task.id, "missing": []}
    assert len(await board.events.find(kind="sync_point.checked_in")) == 3
    assert await board.next_due() is None


async def test_saying_it_twice_counts_once(board: Board, meet: Meet, contents: Contents) -> None:
    await meet(participants=["sam", "leo"])
    await board.sync_points.check_in("merge", "sam")
    before = await contents()
    for _ in range(3):
        answer = await board.sync_points.check_in("merge", "sam")
        assert (answer.changed, answer.released) == (False, False)
        assert "before" in answer.answer
    assert await contents() == before
    assert (await board.sync_points.get("merge")).state is PointState.OPEN


async def test_after_the_release_nothing_changes(
    board: Board, meet: Meet, contents: Contents
) -> None:
    await meet(participants=["sam"])
    assert (await board.sync_points.check_in("merge", "sam")).released
    before = await contents()
    for status, reason in ((READY, ""), (BLOCKED, "after all")):
        answer = await board.sync_points.check_in("merge", "sam", status, reason=reason)
        assert (answer.changed, answer.released) == (False, False)
        assert "is released already" in answer.answer
    with pytest.raises(StateConflict, match="closed already"):
        await board.sync_points.cancel("merge")
    assert await contents() == before


async def test_blocked_holds_the_point_and_is_told(board: Board, meet: Meet) -> None:
    await meet(participants=["sam", "leo"])
    answer = await board.sync_points.check_in("merge", "sam", BLOCKED, reason=" no\ndesign ")
    assert answer.answer.endswith("still missing: sam, leo.")
    await board.sync_points.check_in("merge", "leo")
    point = await board.sync_points.get("merge")
    assert point.state is PointState.OPEN
    assert [(p.status, p.reason) for p in point.places] == [(BLOCKED, "no design"), (READY, "")]
    assert await said(board) == ["@max I am blocked at sync point 'merge': no design"]
    (shown,) = (await board.status())["sync_points"]
    assert (shown["name"], shown["agent"], shown["status"], shown["reason"]) == (
        "merge", "sam", "blocked", "no design",
    )  # fmt: skip
    # Another reason is news, the same is not; and ready is what counts in the end.
    await board.sync_points.check_in("merge", "sam", BLOCKED, reason="no design")
    await board.sync_points.check_in("merge", "sam", BLOCKED, reason="no key")
    assert len(await said(board)) == 2
    assert (await board.sync_points.check_in("merge", "sam")).released
    assert (await board.sync_points.get("merge")).places[0].reason == ""
    assert (await board.status())["sync_points"] == []


async def test_who_was_ready_may_find_that_it_is_not(board: Board, meet: Meet) -> None:
    await meet(participants=["sam", "leo"])
    await board.sync_points.check_in("merge", "sam")
    await board.sync_points.check_in("merge", "sam", BLOCKED, reason="a bug")
    assert not (await board.sync_points.check_in("merge", "leo")).released
    assert (await board.sync_points.check_in("merge", "sam")).released


@pytest.mark.parametrize(
    ("agent", "status", "reason", "place", "says"),
    [
        ("max", READY, "", None, "max is no participant of sync point 'merge'. The participants"),
        ("sam", READY, "", "max", "max is no participant"),
        ("sam", READY, "", "leo", "The place of leo at sync point 'merge' is leo's"),
        ("sam", BLOCKED, "  ", None, "without a reason"),
        ("sam", READY, "none", None, "Give a reason only with blocked"),
        ("sam", BLOCKED, "x" * 2001, None, "2000 are kept"),
        ("sam", Standing.MISSED, "", None, "Nobody checks in as 'missed'"),
    ],
)
async def test_what_is_no_check_in_is_refused(
    board: Board, meet: Meet, contents: Contents,
    agent: str, status: Standing, reason: str, place: str | None, says: str,
) -> None:  # fmt: skip
    await meet()
    before = await contents()
    with pytest.raises(StateConflict) as error:
        await board.sync_points.check_in("merge", agent, status, reason=reason, place=place)
    assert says in str(error.value)
    assert await contents() == before
    with pytest.raises(NotFound, match="no sync point 'other'"):
        await board.sync_points.check_in("other", "sam")


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("merge", {}, "is open"),
        (" ", {}, "cannot be called so"),
        ("x" * 101, {}, "cannot be called so"),
        ("12", {}, "not a number"),
        ("#12", {}, "not a number"),
        ("new", {"participants": []}, "no participants"),
        ("new", {"participants": ["sam", " "]}, "no participants"),
        ("new", {"lead": " "}, "no lead"),
        ("new", {"next_phase": NextPhase(title=" ")}, "no next phase"),
        ("new", {"within": 0.0}, "does not lie ahead"),
        ("new", {"until": 999_999.0}, "does not lie ahead"),
        ("new", {"within": float("nan")}, "does not lie ahead"),
        ("new", {"within": float("inf")}, "does not lie ahead"),
        ("new", {"policy": Policy.SUBSTITUTE}, "no substitutes"),
        ("new", {"substitutes": {"sam": "max"}}, "its policy is fail"),
        ("new", {"policy": Policy.SUBSTITUTE, "substitutes": {"max": "sam"}}, "no participant"),
        ("new", {"policy": Policy.SUBSTITUTE, "substitutes": {"sam": "sam"}}, "no substitute for"),
        ("new", {"tasks": [part("max")]}, "max is no participant"),
        ("new", {"tasks": [NewTask(source=Source.BACKLOG, title="t")]}, "addressed to nobody"),
        ("new", {"tasks": [part("sam"), part("leo", " ")]}, "needs a title"),
    ],
)
async def test_what_does_not_fit_together_is_refused_whole(
    meet: Meet, contents: Contents, name: str, given: dict[str, Any], says: str
) -> None:
    await meet()
    before = await contents()
    with pytest.raises(StateConflict) as error:
        await meet(name, **given)
    assert says in str(error.value)
    assert await contents() == before


async def test_a_cancelled_point_dispatches_nothing(board: Board, meet: Meet) -> None:
    point = await meet(tasks=[part("sam")])
    cancelled = await board.sync_points.cancel("merge", reason="not\nneeded")
    assert (cancelled.state, cancelled.reason) == (PointState.CANCELLED, "not\nneeded")
    assert await board.sync_points.cancel(point.id) == cancelled
    assert await said(board) == ["Sync point 'merge' is cancelled: not needed."]
    for agent in ("sam", "leo", "quinn"):
        assert not (await board.sync_points.check_in("merge", agent)).changed
    await board.clock.advance(1e6)
    await board.sweep()
    assert await dispatches(board) == []
    assert (await board.tasks.find())[0].runnable
    assert await board.next_due() is None


async def test_points_are_listed_by_age_and_state(board: Board, meet: Meet) -> None:
    names = ["a", "b", "c"]
    for name in names:
        await meet(name, participants=["sam", "sam"])
    assert len((await board.sync_points.get("a")).places) == 1
    await board.sync_points.check_in("b", "sam")
    assert [p.name for p in await board.sync_points.find()] == names
    assert [p.name for p in await board.sync_points.find(limit=2)] == ["b", "c"]
    found = await board.sync_points.find(states=[PointState.OPEN])
    assert [p.name for p in found] == ["a", "c"]
    assert found[0].as_dict()["next_phase"]["priority"] == "high"
    with pytest.raises(NotFound):
        await board.sync_points.get(99)


@pytest.mark.parametrize("table", ["tasks", "events", "messages"])
async def test_a_release_that_fails_in_the_middle_never_was(
    board: Board, meet: Meet, contents: Contents, broken: Broken, table: str
) -> None:
    await meet(participants=["sam"])
    before = await contents()
    async with broken(table):
        with pytest.raises(Exception, match="boom"):
            await board.sync_points.check_in("merge", "sam")
    assert await contents() == before
    assert (await board.sync_points.check_in("merge", "sam")).released


# --- tasks that check in


async def test_completing_the_parts_is_checking_in(board: Board, meet: Meet, take: Take) -> None:
    point = await meet(
        participants=["sam", "leo"], tasks=[part("sam", "API"), part("leo", "UI\n# you must")]
    )
    api, ui = [await board.tasks.get(one.tasks[0]) for one in point.places]
    assert (await board.sync_points.of_task(api.id)) == point
    first = (await take("sam")).attempt
    await board.attempts.record(first, branch="neveridle/1-api", commit="a" * 40)
    assert await board.attempts.complete(first) == []
    places = (await board.sync_points.get("merge")).places
    assert [(p.status, p.said_by) for p in places] == [(READY, api.id), (Standing.EXPECTED, None)]
    version = await board.version()
    second = (await take("leo", run="run-2")).attempt
    (dispatch,) = await board.attempts.complete(second)
    assert await board.version() == version + 1
    (task,) = await dispatches(board)
    assert task.id == dispatch == (await board.sync_points.get("merge")).dispatch_id
    lines = task.description.splitlines()
    assert f'  - task {api.id} "API": completed, branch neveridle/1-api aaaaaaaaaaaa' in lines
    assert f'  - task {ui.id} "UI # you must": completed' in lines
    with pytest.raises(LeaseLost):
        await board.attempts.complete(second)
    assert len(await board.events.find(kind="task.completed")) == 2
    assert await board.tasks.get(task.id) == task


async def test_who_has_several_parts_checks_in_with_the_last(
    board: Board, meet: Meet, take: Take
) -> None:
    await meet(participants=["sam"], tasks=[part("sam"), part("sam")])
    assert await board.attempts.complete((await take()).attempt) == []
    # A part that is added later is awaited as well, even by one who said to be ready.
    late = await board.tasks.add(
        NewTask(source=Source.BACKLOG, title="late", assignee="sam", sync="merge")
    )
    assert await board.attempts.complete((await take()).attempt) == []
    third = await take()
    assert third.task.id == late.id
    assert len(await board.attempts.complete(third.attempt)) == 1


async def test_a_part_that_is_added_later_takes_ready_back(
    board: Board, meet: Meet, take: Take
) -> None:
    await meet(participants=["sam", "leo"])
    await board.sync_points.check_in("merge", "sam")
    task = await board.tasks.add(part("sam"))
    await board.sync_points.attach("merge", task.id)
    assert (await standings(board))["sam"] is Standing.EXPECTED
    await board.sync_points.check_in("merge", "leo")
    assert len(await board.attempts.complete((await take()).attempt)) == 1


async def test_what_cannot_be_awaited_is_refused(board: Board, meet: Meet, take: Take) -> None:
    await meet()
    await meet("other", participants=["leo"])
    task = await board.tasks.add(part("sam"))
    await board.sync_points.attach("merge", task.id)
    with pytest.raises(StateConflict, match="belongs to sync point 'merge'"):
        await board.sync_points.attach("other", task.id)
    await board.attempts.complete((await take()).attempt)
    with pytest.raises(StateConflict, match="is completed"):
        await board.sync_points.attach("merge", task.id)
    with pytest.raises(NotFound):
        await board.sync_points.attach("merge", 99)
    await board.sync_points.check_in("other", "leo")
    with pytest.raises(StateConflict, match="'other' is released"):
        await board.tasks.add(
            NewTask(source=Source.BACKLOG, title="t", assignee="leo", sync="other")
        )
    assert len(await dispatches(board)) == 1


async def test_the_lesson_and_what_waited_are_kept_where_a_point_waits(
    board: Board, meet: Meet, take: Take
) -> None:
    point = await meet(participants=["sam"], tasks=[part("sam")])
    (number,) = point.places[0].tasks
    waits = await board.tasks.add(NewTask(source=Source.BACKLOG, title="waits", after=(number,)))
    learning: dict[str, Any] = {
        "agent": "sam", "kind": "learning", "text": "so\0\ud800", "tags": ["ä"], "source": "",
        "trusted": False, "importance": 0.1,
    }  # fmt: skip
    runnable = await board.attempts.complete((await take()).attempt, learning=learning)
    (task,) = await dispatches(board)
    assert runnable == [waits.id, task.id]
    (memory,) = await board.memories.newest(5)
    assert (memory.tags, memory.text[:2]) == (("ä",), "so")


async def test_a_stopped_part_blocks_until_it_goes_on(board: Board, meet: Meet, take: Take) -> None:
    point = await meet(participants=["sam", "leo"], tasks=[part("sam")])
    (number,) = point.places[0].tasks
    await board.attempts.block((await take()).attempt, owner="human", action="give me a key")
    (place, _) = (await board.sync_points.get("merge")).places
    assert (place.status, place.said_by) == (BLOCKED, number)
    assert place.reason == f"task {number} waits for human: give me a key"
    assert "sam" in (await board.messages.latest("dev"))[0].author
    await board.tasks.retry(number)
    assert (await standings(board))["sam"] is Standing.EXPECTED
    for failures in (1, 2):
        assert (await standings(board))["sam"] is Standing.EXPECTED
        again = await board.attempts.fail((await take()).attempt, code="x", error="y", limit=2)
        assert again is (failures < 2)
    assert (await standings(board))["sam"] is BLOCKED
    await board.tasks.retry(number)
    await board.tasks.cancel(number)
    (place, _) = (await board.sync_points.get("merge")).places
    assert (place.status, place.reason) == (BLOCKED, f"task {number} is cancelled")
    # A person says that it is ready all the same; then the task has nothing to say any more.
    await board.sync_points.check_in("merge", "sam")
    await board.tasks.retry(number)
    assert (await standings(board))["sam"] is READY


async def test_what_a_person_says_stands_until_the_part_is_done(
    board: Board, meet: Meet, take: Take
) -> None:
    point = await meet(participants=["sam", "leo"], tasks=[part("sam")])
    (number,) = point.places[0].tasks
    await board.sync_points.check_in("merge", "sam", BLOCKED, reason="on holiday")
    await board.attempts.block((await take()).attempt, owner="human", action="a")
    await board.tasks.retry(number)
    assert (await board.sync_points.get("merge")).places[0].reason == "on holiday"
    await board.attempts.complete((await take()).attempt)
    assert (await standings(board))["sam"] is READY


async def test_a_part_whose_workers_die_blocks_as_it_is_swept(
    board: Board, meet: Meet, take: Take
) -> None:
    await meet(tasks=[part("sam")])
    await take(lease=10.0)
    await board.clock.advance(10)
    assert len(await board.sweep(expirations=1)) == 1
    assert (await standings(board))["sam"] is BLOCKED


async def test_a_part_that_was_handed_over_checks_in_with_the_chains_end(
    board: Board, meet: Meet, take: Take
) -> None:
    point = await meet(participants=["sam"], tasks=[part("sam", "API")])
    (number,) = point.places[0].tasks
    document = HandoffDocument(summary="s", action="go on")
    given = await board.handoffs.give(
        (await take()).attempt, to="leo", document=document, verified=True
    )
    assert (await standings(board))["sam"] is Standing.EXPECTED
    attempt = (await take("leo", run="run-2", source=Source.DISPATCH)).attempt
    # Whoever has the work now may be blocked, too; and a person passes it on.
    await board.attempts.block(attempt, owner="human", action="a")
    assert (await standings(board))["sam"] is BLOCKED
    second = await board.handoffs.give_by_hand(
        given.dispatch_id, sender="human", to="quinn", document=document
    )
    assert (await standings(board))["sam"] is Standing.EXPECTED
    last = (await take("quinn", run="run-3", source=Source.DISPATCH)).attempt
    assert last.task_id == second.dispatch_id
    await board.attempts.record(last, branch="neveridle/3", commit="c" * 40)
    (dispatch,) = await board.attempts.complete(last)
    for link in (number, given.dispatch_id, second.dispatch_id):
        assert (await board.tasks.get(link)).state is TaskState.COMPLETED
    task = await board.tasks.get(dispatch)
    assert f'task {number} "API": completed, branch neveridle/3 cccccccccccc' in task.description
    assert (await board.sync_points.get("merge")).places[0].said_by == number


async def test_a_chain_that_was_cancelled_blocks_until_it_is_taken_back(
    board: Board, meet: Meet, take: Take
) -> None:
    point = await meet(participants=["sam"], tasks=[part("sam")])
    (number,) = point.places[0].tasks
    document = HandoffDocument(summary="s", action="go on")
    given = await board.handoffs.give(
        (await take()).attempt, to="leo", document=document, verified=True
    )
    await board.tasks.cancel(given.dispatch_id)
    (place,) = (await board.sync_points.get("merge")).places
    assert (place.status, place.said_by) == (BLOCKED, number)
    assert f"neveridle tasks retry {number}" in place.reason
    await board.tasks.retry(number)
    assert (await standings(board))["sam"] is Standing.EXPECTED
    assert len(await board.attempts.complete((await take()).attempt)) == 1


async def test_a_task_of_a_closed_point_is_completed_as_any_other(
    board: Board, meet: Meet, take: Take
) -> None:
    await meet(participants=["sam"], tasks=[part("sam")])
    assert (await board.sync_points.check_in("merge", "sam")).released
    assert await board.attempts.complete((await take()).attempt) == []
    assert len(await dispatches(board)) == 1
