"""Reading a file again: what changed outside changes here, what the team did stays."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from neveridle.board import Board, Claim, HandoffDocument, NewTask, Phase, Source, Task
from neveridle.board.beads.reading import read_issues

Record = dict[str, Any]
Issues = Callable[..., Record]
Brings = Callable[..., Awaitable[Any]]
Takes = Callable[..., Awaitable[Claim]]


async def of(board: Board, name: str) -> Task:
    found = await board.tasks.by_ref(f"beads:{name}")
    assert found is not None
    return found


async def state(board: Board, name: str) -> str:
    return str((await of(board, name)).state)


async def test_reading_twice_changes_nothing_at_all(
    issue: Issues, bring: Brings, contents: Callable[[], Awaitable[Any]]
) -> None:
    file = [issue("a"), issue("b", ties={"blocks": ["a"], "parent-child": ["c"]}),
            issue("c", "in_progress"), {"_type": "memory", "key": "k", "value": "v"}]  # fmt: skip
    await bring(file)
    before = await contents()
    report = await bring(file)
    assert not report.changed
    assert await contents() == before


async def test_what_changes_outside_changes_here(
    board: Board, issue: Issues, bring: Brings, recounted: Callable[[Board], Awaitable[None]]
) -> None:
    await bring([issue("a"), issue("b", ties={"blocks": ["a"]}), issue("c"), issue("d", "closed"),
                 issue("e", "in_progress", assignee="alice"), issue("f")])  # fmt: skip
    assert (await of(board, "e")).waiting_on == "beads:in_progress by alice"
    report = await bring([
        issue("a", "closed"), issue("b", title="New words", priority=0, ties={"blocks": ["c"]}),
        issue("d"), issue("e"), issue("f", "tombstone"), issue("g", ties={"parent-child": ["b"]}),
    ])  # fmt: skip
    states = {name: await state(board, name) for name in "abcdefg"}
    assert states == {"a": "completed", "b": "pending", "c": "pending", "d": "pending",
                      "e": "pending", "f": "cancelled", "g": "pending"}  # fmt: skip
    b, c = await of(board, "b"), await of(board, "c")
    assert (b.title, b.priority, b.open_blockers) == ("New words", 3, 1)
    assert await board.tasks.blockers(b.id) == [c.id]
    assert await board.tasks.blockers((await of(board, "g")).id) == [c.id]
    assert (report.new, report.completed, report.reopened, report.cancelled, report.missing) == (
        1, 1, 1, 1, 1,
    )  # fmt: skip
    await recounted(board)
    await bring([issue("f")])
    assert await state(board, "f") == "pending"


async def test_what_the_team_did_stays(
    board: Board, issue: Issues, bring: Brings, take: Takes
) -> None:
    await bring([issue("a"), issue("b", ties={"blocks": ["a"]}), issue("c", priority=4)])
    claim = await take()
    assert claim.task.ticket == "a"
    await board.attempts.complete(claim.attempt)
    b, c = await of(board, "b"), await of(board, "c")
    await board.tasks.depend(b.id, c.id)
    await board.tasks.release_dependency(b.id, claim.task.id)
    # The file is older than all of that; only its words changed.
    await bring([issue("a", title="A"), issue("b", title="B", ties={"blocks": ["a"]})])
    assert await state(board, "a") == "completed"
    assert (await of(board, "b")).title == "B"
    assert await board.tasks.blockers(b.id) == [c.id]


@pytest.mark.parametrize("status", ["closed", "in_progress", "blocked", "deferred", "tombstone"])
async def test_what_an_agent_is_at_is_left_to_it(
    board: Board, issue: Issues, bring: Brings, take: Takes, status: str
) -> None:
    await bring([issue("a")])
    claim = await take()
    await bring([issue("a", status)])
    assert await state(board, "a") == "in_progress"
    await board.attempts.complete(claim.attempt)
    assert await state(board, "a") == "completed"


async def test_what_was_handed_over_is_left_to_its_receiver(
    board: Board, issue: Issues, bring: Brings, take: Takes
) -> None:
    await bring([issue("a")])
    claim = await take()
    document = HandoffDocument(summary="s", action="a")
    await board.handoffs.give(claim.attempt, to="leo", document=document, verified=False)
    await bring([issue("a", "closed")])
    assert await state(board, "a") == "waiting"


async def test_verified_work_is_delivered_even_if_it_closed_the_issue(
    board: Board, issue: Issues, bring: Brings, take: Takes
) -> None:
    await bring([issue("a")])
    claim = await take()
    await board.attempts.record(claim.attempt, phase=Phase.VERIFIED)
    await board.attempts.release(claim.attempt)
    await bring([issue("a", "closed")])
    assert await state(board, "a") == "pending"


async def test_our_own_claim_that_comes_back_in_a_file_holds_nobody_up(
    board: Board, issue: Issues, bring: Brings, take: Takes
) -> None:
    await bring([issue("a")])
    claim = await take()
    exported = await board.beads.export()
    assert json.loads(exported)["assignee"] == "sam"
    await board.attempts.release(claim.attempt)
    await board.beads.take(read_issues(exported, "x"), agents=["sam"])
    assert await state(board, "a") == "pending"
    await bring([issue("a", "in_progress", assignee="alice")])  # but now somebody else is
    assert await state(board, "a") == "waiting"


async def test_circles_are_left_open_and_told(
    board: Board, issue: Issues, bring: Brings, ready: Callable[[], Awaitable[set[str]]]
) -> None:
    file = [issue("a", ties={"blocks": ["b"]}), issue("b", ties={"blocks": ["c"]}),
            issue("c", ties={"blocks": ["a"]}), issue("d", ties={"blocks": ["d"]}),
            issue("e", ties={"parent-child": ["d"]}),
            issue("f", ties={"blocks": ["e"]})]  # fmt: skip
    report = await bring(file)
    assert sorted(map(sorted, report.circles)) == [["a", "b", "c", "c"], ["d", "d"]]
    assert await ready() == set()
    held = {one.task.ticket for one in await board.readiness.blocked({}) if one.task.blocked_action}
    assert held == {"c", "d", "e"}
    assert "circle" in (await of(board, "c")).blocked_action
    # A person may begin anyway; reading the same again does not take that back.
    await board.tasks.retry((await of(board, "c")).id)
    await bring([issue("x"), *file])
    assert await ready() == {"c", "x"}
    # The circle is gone outside: now the tie that was left out is made.
    await bring([issue("a"), issue("d")])
    assert await ready() == {"a", "x", "d", "e"}
    assert (await of(board, "c")).open_blockers == 1


async def test_a_circle_with_what_the_team_made_wait_is_left_open(
    board: Board, issue: Issues, bring: Brings
) -> None:
    await bring([issue("a"), issue("b")])
    a, b = await of(board, "a"), await of(board, "b")
    await board.tasks.depend(a.id, b.id)
    report = await bring([issue("b", ties={"blocks": ["a"]})])
    assert report.circles == [["b", "a", "b"]]
    assert await state(board, "b") == "blocked"


async def test_tasks_of_our_own_go_out_and_come_back_as_what_they_are(
    board: Board, issue: Issues, bring: Brings, ready: Callable[[], Awaitable[set[str]]]
) -> None:
    await bring([issue("a")])
    own = await board.tasks.add(NewTask(source=Source.ROADMAP, title="Ours", ref="roadmap:o"))
    await board.tasks.depend(own.id, (await of(board, "a")).id)
    first = await board.beads.export()
    record = json.loads(first.splitlines()[1])
    assert record["dependencies"][0]["depends_on_id"] == "a"
    assert (record["external_ref"], record["labels"]) == ("neveridle:roadmap:o", ["roadmap"])
    await board.beads.take(read_issues(first, "x"))
    assert len(await board.tasks.find()) == 2
    assert await board.beads.export() == first
    # Somebody closes it there, and makes an issue wait for it.
    record["status"] = "closed"
    await bring([record, issue("b", ties={"blocks": [record["id"]]})])
    assert str((await board.tasks.get(own.id)).state) == "completed"
    assert await ready() == {"a", "b"}


async def test_an_older_file_does_not_reopen_our_own_task(board: Board, take: Takes) -> None:
    await board.tasks.add(NewTask(source=Source.BACKLOG, title="Ours"))
    older = await board.beads.export()
    await board.attempts.complete((await take()).attempt)
    await board.beads.take(read_issues(older, "x"))
    (task,) = await board.tasks.find()
    assert str(task.state) == "completed"
    assert json.loads(await board.beads.export())["status"] == "closed"


async def test_what_aged_out_is_closed_and_stays_away(
    board: Board, issue: Issues, bring: Brings, take: Takes, sql: Callable[..., Awaitable[Any]]
) -> None:
    await bring([issue("a"), issue("b", ties={"blocks": ["a"]})])
    claim = await take()
    await board.attempts.complete(claim.attempt)
    await sql("DELETE FROM task_edges")
    await sql("DELETE FROM tasks WHERE id = :id", id=claim.task.id)
    assert json.loads((await board.beads.export()).splitlines()[0])["status"] == "closed"
    await bring([issue("a", title="A"), issue("b", ties={"blocks": ["a"]})])
    assert [task.ticket for task in await board.tasks.find()] == ["b"]


@pytest.mark.parametrize("handed", [False, True])
async def test_what_was_closed_while_an_agent_was_at_it_is_not_begun_again(
    board: Board,
    issue: Issues,
    bring: Brings,
    take: Takes,
    recounted: Callable[[Board], Awaitable[None]],
    *,
    handed: bool,
) -> None:
    await bring([issue("a", priority=0), issue("b", ties={"blocks": ["a"]})])
    claim = await take()
    if handed:
        document = HandoffDocument(summary="s", action="a")
        await board.handoffs.give(claim.attempt, to="leo", document=document, verified=False)
        claim = await take("leo", source=Source.DISPATCH)
    await bring([issue("a", "closed", priority=0)])
    await board.attempts.release(claim.attempt)
    source = Source.DISPATCH if handed else Source.BACKLOG
    claim = await take("leo" if handed else "sam", source=source)
    version = await board.version()
    assert await board.attempts.withdraw(claim.attempt)
    assert await state(board, "a") == "completed"
    assert (await of(board, "b")).runnable
    assert await board.version() > version
    await recounted(board)


async def test_a_tracker_beside_it_does_not_take_issues_for_its_own(
    board: Board, issue: Issues, bring: Brings, take: Takes
) -> None:
    await bring([issue("a")])
    await board.syncs.hold("backlog", "me", seconds=1)
    await board.syncs.mirror("backlog", [])
    await board.syncs.release("backlog", "me", token="t")
    assert await state(board, "a") == "pending"
    assert not await board.attempts.withdraw((await take()).attempt)
