"""What is over ages out; what is still needed does not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from neveridle.board import Board, Claim, NewTask, Source, Task
from neveridle.board.aging import DAY, Ages
from neveridle.board.handoff import HandoffDocument
from neveridle.board.proposals import NewProposal
from neveridle.board.syncs import MirrorEntry
from neveridle.errors import StateConflict

Add = Callable[..., Awaitable[Task]]
Take = Callable[..., Awaitable[Claim]]
Sql = Callable[..., Awaitable[list[tuple[Any, ...]]]]
Contents = Callable[[], Awaitable[dict[str, list[tuple[Any, ...]]]]]

AGES = Ages(events=30, tasks=90)
DOCUMENT = HandoffDocument(summary="so far", action="go on")
EFFECT = (
    "INSERT INTO effects (key, task_id, service, verb, safety, state, request, created_at)"
    " VALUES (:key, :task, 's', 'v', 'natural', :state, '{}', 1)"
)
POINT = (
    "INSERT INTO sync_points (name, lead, next_phase, substitutes, state, created_at, closed_at,"
    " deadline, period, dispatch_id)"
    " VALUES (:name, 'sam', '{}', '{}', :state, 1, :closed, 1e12, 1, :task)"
)
OUTAGE = (
    "INSERT INTO outages (began_at, ended_at, silent, agents, held_until)"
    " VALUES (:began, :ended, '[]', 5, 2)"
)


async def ids(board: Board) -> list[int]:
    return [task.id for task in await board.tasks.find()]


async def tidy(board: Board, ages: Ages = AGES) -> dict[str, int]:
    """Tidy; only what went."""
    return {k: n for k, n in (await board.retention.tidy(ages, holder="me")).items() if n}


async def done(board: Board, add: Add, take: Take, title: str = "one", **said: Any) -> Task:
    """A completed task."""
    task = await add(title, **said)
    source: Source = said.get("source", Source.BACKLOG)
    claim = await take(skills=["python"], source=source)
    assert claim.task.id == task.id
    await board.attempts.complete(claim.attempt)
    return task


async def test_a_finished_task_goes_with_all_that_is_its(
    board: Board, add: Add, take: Take, sql: Sql, contents: Contents
) -> None:
    task = await done(board, add, take, skills=("python",), services=("github",))
    await sql(EFFECT, key="k", task=task.id, state="done")
    await board.clock.advance(90 * DAY)
    assert await tidy(board, Ages(tasks=90)) == {}
    assert not await board.retention.due(Ages(tasks=90))
    await board.clock.advance(1)
    assert await board.retention.due(Ages(tasks=90))
    assert (await board.retention.count(Ages(tasks=90)))["tasks"] == 1
    assert await ids(board) == [task.id]
    assert await tidy(board, Ages(tasks=90)) == {"tasks": 1}
    left = await contents()
    for table in ("tasks", "attempts", "task_skills", "task_services", "effects"):
        assert left[table] == [], table
    assert left["events"] != []
    again = await add("two")
    assert again.id == task.id + 1  # a number is never given twice: memories keep it


async def test_for_ever_is_for_ever(board: Board, add: Add, take: Take) -> None:
    await done(board, add, take)
    await board.clock.advance(10_000 * DAY)
    assert not await board.retention.due(Ages())
    assert await tidy(board, Ages()) == {}


async def test_what_an_open_task_needs_stays(board: Board, add: Add, take: Take, sql: Sql) -> None:
    base = await done(board, add, take)
    parent = await done(board, add, take)
    grandparent = await done(board, add, take)
    meets = await done(board, add, take)
    unsettled = await done(board, add, take)
    free = await done(board, add, take)
    top = await add("top", after=(base.id,), skills=("cobol",))
    link = "INSERT INTO task_links (task_id, other_id, kind) VALUES (:a, :b, 'parent-child')"
    await sql(link, a=top.id, b=parent.id)
    await sql(link, a=parent.id, b=grandparent.id)
    await sql(POINT, name="open", state="open", closed=None, task=None)
    await sql(
        "INSERT INTO sync_tasks (task_id, point, participant)"
        " SELECT :t, id, 'sam' FROM sync_points", t=meets.id,
    )  # fmt: skip
    await sql(EFFECT, key="k", task=unsettled.id, state="intended")
    await board.clock.advance(100 * DAY)
    assert await tidy(board, Ages(tasks=90)) == {"tasks": 1}
    kept = [base.id, parent.id, grandparent.id, meets.id, unsettled.id, top.id]
    assert await ids(board) == kept
    assert free.id not in await ids(board)

    await board.attempts.complete((await take(skills=["cobol"])).attempt)
    await sql("UPDATE effects SET state = 'done'")
    await sql("UPDATE sync_points SET state = 'released'")
    await board.clock.advance(100 * DAY)
    assert await tidy(board, Ages(tasks=90)) == {"tasks": 6}
    assert await ids(board) == []


async def test_a_chain_of_handoffs_goes_as_one(
    board: Board, add: Add, take: Take, contents: Contents
) -> None:
    first = await add("first")
    claim = await take()
    second = (
        await board.handoffs.give(claim.attempt, to="leo", document=DOCUMENT, verified=False)
    ).dispatch_id
    cancelled = await board.handoffs.give_by_hand(second, sender="leo", to="max", document=DOCUMENT)
    await board.tasks.cancel(cancelled.dispatch_id)
    await board.clock.advance(100 * DAY)
    assert await tidy(board, Ages(tasks=90)) == {}  # the first two are not over

    await board.tasks.retry(second)
    claim = await take("leo", source=Source.DISPATCH)
    await board.attempts.complete(claim.attempt)
    await board.clock.advance(80 * DAY)
    assert await tidy(board, Ages(tasks=90)) == {}  # one has been over for long, two have not
    assert len(await ids(board)) == 3
    await board.clock.advance(11 * DAY)
    assert (await board.retention.count(Ages(tasks=90)))["tasks"] == 3
    assert await tidy(board, Ages(tasks=90)) == {"tasks": 3}
    left = await contents()
    assert (left["tasks"], left["handoffs"], first.id) == ([], [], 1)


async def test_a_cancelled_task_goes_after_those_that_waited_for_it(board: Board, add: Add) -> None:
    base = await add("base")
    middle = await add("middle", after=(base.id,))
    top = await add("top", after=(middle.id,))
    await board.tasks.cancel(middle.id)
    await board.tasks.cancel(base.id)
    await board.clock.advance(100 * DAY)
    assert await tidy(board, Ages(tasks=90)) == {}  # the top waits, and may wait on
    assert (await board.tasks.get(top.id)).open_blockers == 1

    await board.tasks.cancel(top.id)
    await board.clock.advance(100 * DAY)
    assert await tidy(board, Ages(tasks=90)) == {"tasks": 3}


async def test_a_cancelled_task_that_can_be_taken_up_again_keeps_what_it_waits_for(
    board: Board, add: Add
) -> None:
    base = await add("base")
    await board.tasks.cancel(base.id)
    await board.clock.advance(50 * DAY)
    top = await add("top", after=(base.id,))
    await board.tasks.cancel(top.id)
    await board.clock.advance(50 * DAY)
    assert await tidy(board, Ages(tasks=90)) == {}
    assert (await board.tasks.retry(top.id)).open_blockers == 1
    await board.tasks.retry(base.id)


def entry(name: str, *, open: bool = True) -> MirrorEntry:
    task = NewTask(source=Source.ROADMAP, title=name)
    return MirrorEntry(ref=f"roadmap:{name}", open=open, data={}, task=task)


async def sync(board: Board, *entries: MirrorEntry) -> list[str]:
    """Sync the roadmap; the titles of the tasks that are new."""
    await board.syncs.hold("roadmap", "me", seconds=60)
    new = await board.syncs.mirror("roadmap", entries)
    await board.syncs.release("roadmap", "me", token="now")
    return [task.title for task in new]


async def test_an_item_does_not_come_back_after_its_task_aged(board: Board, take: Take) -> None:
    """As with work that was delivered as a branch which nobody has merged yet."""
    assert await sync(board, entry("a"), entry("b"), entry("c")) == ["a", "b", "c"]
    for _ in range(3):
        await board.attempts.complete((await take(source=Source.ROADMAP)).attempt)
    await sync(board, entry("a"), entry("b", open=False), entry("c"))
    await board.clock.advance(100 * DAY)
    assert await tidy(board, Ages(tasks=90)) == {"tasks": 1}
    assert await sync(board, entry("a"), entry("b", open=False), entry("c")) == []

    # The roadmap is gone for a while, as on another branch.
    await sync(board)
    assert await tidy(board, Ages(tasks=90)) == {}
    assert await sync(board, entry("a"), entry("c")) == []

    await sync(board, entry("a"))
    assert await tidy(board, Ages(tasks=90)) == {"tasks": 1}


async def test_a_proposal_is_not_made_again_after_its_task_aged(board: Board, take: Take) -> None:
    again = [
        NewProposal(
            fingerprint=name, finder="todo", value=1.0, reason="because",
            task=NewTask(source=Source.IMPROVEMENT, title=name, ref=f"improvement:{name}"),
        )
        for name in ("done", "rejected")
    ]  # fmt: skip
    _, rejected = await board.proposals.add_all(again, daily_cap=5)
    await board.attempts.complete((await take(source=Source.IMPROVEMENT)).attempt)
    await board.tasks.cancel(rejected.id)
    await board.clock.advance(100 * DAY)
    assert (await tidy(board))["tasks"] == 2
    assert await board.proposals.known() == {"done", "rejected"}
    assert await board.proposals.add_all(again, daily_cap=5) == []


async def test_events_and_messages_age_but_not_a_story_that_is_still_told(
    board: Board, add: Add, take: Take
) -> None:
    await board.events.append("team.problem", {"code": "old"})
    await board.messages.post("dev", "sam", "old")
    finished = await done(board, add, take)
    later = await add("later")
    waits = await add("waits", skills=("cobol",))
    await board.clock.advance(40 * DAY)
    claim = await take()
    assert claim.task.id == later.id
    await board.attempts.complete(claim.attempt)
    await board.events.append("team.problem", {"code": "new"})
    await board.messages.post("dev", "sam", "new")

    gone = await tidy(board, Ages(events=30))
    assert gone == {"events": 4, "messages": 1}
    left = await board.events.find()
    assert {event.task_id for event in left} == {None, later.id, waits.id}
    assert [event.data for event in left if event.task_id is None] == [{"code": "new"}]
    assert await board.events.find(task=finished.id) == []
    assert [m.content for m in await board.messages.latest("dev")] == ["new"]
    assert not await board.retention.due(Ages(events=30))
    newest = await board.events.newest()
    await board.clock.advance(400 * DAY)
    await board.events.append("team.problem", {})
    assert await board.events.newest() == newest + 1


async def test_lives_of_agents_outages_and_sync_points_age(
    board: Board, add: Add, take: Take, sql: Sql
) -> None:
    gone = await board.runs.start("sam", role="r", skills=[])
    died = await board.runs.start("leo", role="r", skills=[])
    holds = await board.runs.start("max", role="r", skills=[])
    await board.runs.end([gone])
    await add("held")
    await take("max", run=holds)
    await sql(POINT, name="old", state="released", closed=1, task=None)
    await sql(POINT, name="open", state="open", closed=None, task=None)
    await sql(OUTAGE, began=1, ended=2)
    await sql(OUTAGE, began=1, ended=None)
    await sql(EFFECT, key="loose", task=None, state="done")
    await sql(EFFECT, key="loose and open", task=None, state="intended")
    held = (await sql("SELECT task_id FROM attempts WHERE run = :r", r=holds))[0][0]
    await sql(EFFECT, key="of a task", task=held, state="done")
    await sql(POINT, name="gone on", state="released", closed=1, task=held)
    await board.clock.advance(100 * DAY)
    lives = await board.runs.start("sam", role="r", skills=[])
    found = await tidy(board)
    assert {k: n for k, n in found.items() if k != "events"} == {
        "runs": 2, "outages": 1, "sync_points": 1, "effects": 1,
    }  # fmt: skip
    assert {r[0] for r in await sql("SELECT id FROM runs")} == {holds, lives}
    points = await sql("SELECT name FROM sync_points ORDER BY id")
    assert points == [("open",), ("gone on",)]
    kept = await sql("SELECT key FROM effects ORDER BY id")
    assert kept == [("loose and open",), ("of a task",)]
    assert died not in {holds, lives}


async def test_memories_stay_when_their_task_goes(board: Board, add: Add, take: Take) -> None:
    await add("one")
    claim = await take()
    learning: dict[str, Any] = {
        "agent": "sam", "kind": "insight", "text": "t", "tags": [], "source": "task:1",
        "importance": 0.5, "trusted": False,
    }  # fmt: skip
    await board.attempts.complete(claim.attempt, learning=learning)
    await board.clock.advance(100 * DAY)
    assert (await tidy(board))["tasks"] == 1
    assert [row.text for row in await board.memories.newest(5)] == ["t"]


async def test_many_go_page_by_page_and_in_one_go(
    board: Board, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neveridle.board.aged_tasks.TASKS", 3)
    monkeypatch.setattr("neveridle.board.aged_rows.ROWS", 4)
    monkeypatch.setattr("neveridle.board.retention.HELD_PAGES", 2)
    monkeypatch.setattr("neveridle.board.retention.PAUSE", 0)
    new = [NewTask(source=Source.BACKLOG, title=f"{n}") for n in range(20)]
    made = await board.tasks.add_all(new)
    for task in made:
        if task.id % 5:
            await board.tasks.cancel(task.id)
        if task.id % 4 == 0:
            await board.clock.advance(1)
    await board.clock.advance(100 * DAY)
    expected = await board.retention.count(AGES)
    assert expected["tasks"] == 16
    gone = await board.retention.tidy(AGES, holder="me")
    assert gone == {**expected, "events": 32}  # those of open tasks stay
    assert len(await board.events.find()) == 4
    assert await sql("SELECT count(*) FROM tasks") == [(4,)]
    assert not await board.retention.due(AGES)


async def test_one_process_tidies_at_a_time(board: Board, add: Add, take: Take) -> None:
    await done(board, add, take)
    await board.clock.advance(100 * DAY)
    assert await board.syncs.hold("retention", "another", seconds=300)
    with pytest.raises(StateConflict, match="Another process is tidying"):
        await tidy(board)
    assert await ids(board) == [1]
    await board.clock.advance(301)  # that one died
    assert (await tidy(board))["tasks"] == 1
    assert await board.syncs.hold("retention", "another", seconds=300)


async def test_looking_writes_nothing_and_wakes_nobody(
    board: Board, add: Add, take: Take, contents: Contents
) -> None:
    await done(board, add, take)
    await board.clock.advance(100 * DAY)
    before, version = await contents(), await board.version()
    assert await board.retention.due(AGES)
    assert (await board.retention.count(AGES))["tasks"] == 1
    assert await contents() == before
    await tidy(board)
    assert await board.version() == version
