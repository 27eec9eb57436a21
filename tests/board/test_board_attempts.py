"""Attempts: how far they came, how they end, and what a stale fence may not do."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from neveridle.board import (
    Attempt,
    AttemptState,
    Board,
    Claim,
    HandoffDocument,
    Phase,
    Priority,
    Task,
    TaskState,
)
from neveridle.board.memory_row import NewMemory
from neveridle.errors import LeaseLost

Add = Callable[..., Awaitable[Task]]
Seek = Callable[..., Awaitable[Claim | None]]
Take = Callable[..., Awaitable[Claim]]
Contents = Callable[[], Awaitable[dict[str, list[tuple[Any, ...]]]]]
Broken = Callable[[str], AbstractAsyncContextManager[None]]
Sql = Callable[..., Awaitable[list[tuple[Any, ...]]]]

LEARNING = {
    "agent": "sam",
    "kind": "learning",
    "text": "Zweimal prüfen: 二度.",
    "tags": ("care", "日本"),
    "source": "task:1",
    "importance": 0.5,
    "trusted": False,
}


async def test_record_notes_what_is_given_and_leaves_the_rest(
    board: Board, add: Add, take: Take
) -> None:
    await add()
    attempt = (await take()).attempt
    assert await board.attempts.record(attempt) == attempt
    worked = await board.attempts.record(
        attempt, phase=Phase.WORKED, branch="neveridle/1-ü", base="b" * 40, outcome={"status": "ok"}
    )
    assert (worked.phase, worked.branch, worked.base, worked.commit) == (
        Phase.WORKED,
        "neveridle/1-ü",
        "b" * 40,
        "",
    )
    verified = await board.attempts.record(
        attempt,
        phase=Phase.VERIFIED,
        commit="c" * 40,
        evidence={"checks": ["日本"], "passed": True},
    )
    assert (verified.branch, verified.outcome) == (worked.branch, {"status": "ok"})
    assert verified.evidence == {"checks": ["日本"], "passed": True}
    assert await board.attempts.get(attempt.task_id, 1) == verified
    phases = await board.events.find(kind="attempt.phase")
    assert [event.data["phase"] for event in phases] == ["worked", "verified"]


async def test_complete_ends_attempt_and_task_and_keeps_the_lesson(
    board: Board, add: Add, take: Take
) -> None:
    task = await add()
    attempt = (await take()).attempt
    await board.clock.advance(5)
    assert await board.attempts.complete(attempt, learning=LEARNING) == []
    done = await board.tasks.get(task.id)
    assert (done.state, done.completed_at) == (TaskState.COMPLETED, 1e6 + 5)
    ended = await board.attempts.get(task.id, 1)
    assert ended is not None
    assert (ended.state, ended.phase, ended.ended_at) == (
        AttemptState.COMPLETED,
        Phase.REFLECTED,
        1e6 + 5,
    )
    (memory,) = await board.memories.newest(10)
    assert (memory.text, memory.tags, memory.trusted) == (
        "Zweimal prüfen: 二度.",
        ("care", "日本"),
        False,
    )
    (event,) = await board.events.find(kind="task.completed")
    assert (event.agent, event.run, event.fence, event.data) == (
        "sam", "run-1", 1, {"started_at": 1e6},
    )  # fmt: skip


async def test_failing_tries_again_until_the_limit_then_asks_a_person(
    board: Board, add: Add, take: Take, seek: Seek
) -> None:
    task = await add()
    for number in (1, 2):
        attempt = (await take()).attempt
        assert (attempt.number, attempt.phase, attempt.resumes) == (number, Phase.CLAIMED, None)
        await board.attempts.record(attempt, phase=Phase.WORKED, branch=f"b{number}")
        assert await board.attempts.fail(
            attempt, code="checks", error=f"no {number}", limit=3, evidence={"n": number}
        )
        assert (await board.tasks.get(task.id)).failures == number
    claim = await take()
    assert claim.previous is not None
    assert (claim.previous.error, claim.previous.evidence, claim.previous.branch) == (
        "no 2",
        {"n": 2},
        "b2",
    )
    assert not await board.attempts.fail(
        claim.attempt, code="checks", error="no 3", limit=3, learning=LEARNING
    )
    blocked = await board.tasks.get(task.id)
    assert (blocked.state, blocked.blocked_owner, blocked.failures) == (
        TaskState.BLOCKED,
        "human",
        3,
    )
    assert f"neveridle tasks retry {task.id}" in blocked.blocked_action
    assert "no 3" in blocked.blocked_action
    assert await seek() is None
    states = [attempt.state for attempt in await board.attempts.of(task.id)]
    assert states == [AttemptState.FAILED] * 3
    assert len(await board.memories.newest(10)) == 1
    assert (await board.status())["blocked"] == [
        {"id": task.id, "title": "work", "owner": "human", "action": blocked.blocked_action}
    ]


async def test_a_services_failure_waits_and_does_not_count(
    board: Board, add: Add, take: Take, seek: Seek
) -> None:
    task = await add()
    attempt = (await take()).attempt
    assert await board.attempts.fail(attempt, code="service", error="503", limit=1, retry_in=30)
    waiting = await board.tasks.get(task.id)
    assert (waiting.state, waiting.waiting_on, waiting.waiting_until, waiting.failures) == (
        TaskState.WAITING,
        "retry",
        1e6 + 30,
        0,
    )
    assert await board.next_due() == 1e6 + 30
    await board.clock.advance(29)
    assert await board.sweep() == []
    assert await seek() is None
    version = await board.version()
    await board.clock.advance(1)
    assert await board.sweep() == []
    assert await board.version() == version + 1
    assert [event.task_id for event in await board.events.find(kind="task.due")] == [task.id]
    assert (await take()).task.waiting_on == ""


async def test_block_names_who_must_do_what(board: Board, add: Add, take: Take, seek: Seek) -> None:
    task = await add()
    attempt = (await take()).attempt
    await board.attempts.record(attempt, phase=Phase.WORKED, branch="b")
    await board.attempts.block(attempt, owner="leo", action="add the endpoint", learning=LEARNING)
    blocked = await board.tasks.get(task.id)
    assert (blocked.state, blocked.blocked_owner, blocked.blocked_action) == (
        TaskState.BLOCKED,
        "leo",
        "add the endpoint",
    )
    assert await seek() is None
    assert len(await board.memories.newest(10)) == 1
    await board.tasks.retry(task.id)
    resumed = await take()
    assert (resumed.attempt.resumes, resumed.attempt.number) == (1, 1)
    assert (resumed.attempt.phase, resumed.attempt.branch) == (Phase.WORKED, "b")


@pytest.mark.parametrize("way", ["park", "release", "release_runs"])
async def test_a_returned_task_is_resumed_where_it_was(
    board: Board, add: Add, take: Take, way: str
) -> None:
    task = await add()
    attempt = await board.attempts.record(
        (await take()).attempt, phase=Phase.VERIFIED, branch="b", base="0", commit="1",
        outcome={"a": 1}, evidence={"b": [2]},
    )  # fmt: skip
    if way == "park":
        await board.attempts.park(attempt, on="human")
        parked = await board.tasks.get(task.id)
        assert (parked.state, parked.waiting_on, parked.waiting_until) == (
            TaskState.WAITING,
            "human",
            None,
        )
        await board.clock.advance(1e6)
        assert await board.sweep() == []
        await board.tasks.retry(task.id)
    elif way == "release":
        await board.attempts.release(attempt)
    else:
        assert await board.attempts.release_runs(["run-1", "none such"]) == 1
        assert await board.attempts.release_runs(["run-1"]) == 0
    claim = await take("leo", run="run-2")
    assert claim.previous is not None
    assert claim.previous.state in (AttemptState.PARKED, AttemptState.RELEASED)
    heir = claim.attempt
    assert (heir.fence, heir.number, heir.resumes, heir.agent) == (2, 1, 1, "leo")
    assert (heir.phase, heir.branch, heir.base, heir.commit) == (Phase.VERIFIED, "b", "0", "1")
    assert (heir.outcome, heir.evidence) == ({"a": 1}, {"b": [2]})


async def test_release_runs_returns_only_what_they_own(board: Board, add: Add, take: Take) -> None:
    for name in "abc":
        await add(name)
    mine = [await take(), await take()]
    other = await take("leo", run="run-2")
    assert await board.attempts.release_runs([]) == 0
    assert await board.attempts.release_runs(["run-1"]) == 2
    assert [a.task_id for a in await board.attempts.active()] == [other.task.id]
    assert (await take()).task.id == mine[0].task.id


async def test_renewal_keeps_what_is_still_owned(board: Board, add: Add, take: Take) -> None:
    for name in "abc":
        await add(name)
    one, two = await take(), await take()
    three = await take("leo", run="run-2")
    await board.clock.advance(50)
    await board.attempts.release(two.attempt)
    held = await board.attempts.renew(["run-1", "run-2"], lease=60)
    assert held == {(one.task.id, 1), (three.task.id, 1)}
    renewed = await board.attempts.get(one.task.id, 1)
    assert renewed is not None
    assert renewed.lease_until == 1e6 + 50 + 60
    assert await board.attempts.renew([], lease=60) == set()


Write = Callable[[Board, Attempt], Awaitable[Any]]
WRITES: dict[str, Write] = {
    "record": lambda board, a: board.attempts.record(a, phase=Phase.DELIVERED, branch="stale"),
    "record nothing": lambda board, a: board.attempts.record(a),
    "complete": lambda board, a: board.attempts.complete(a, learning=LEARNING),
    "fail": lambda board, a: board.attempts.fail(
        a, code="x", error="y", limit=1, learning=LEARNING
    ),
    "fail for a service": lambda board, a: board.attempts.fail(
        a, code="x", error="y", limit=1, retry_in=1, learning=LEARNING
    ),
    "block": lambda board, a: board.attempts.block(a, owner="x", action="y", learning=LEARNING),
    "park": lambda board, a: board.attempts.park(a, on="human"),
    "release": lambda board, a: board.attempts.release(a),
    "give": lambda board, a: board.handoffs.give(
        a,
        to="leo",
        document=HandoffDocument(summary="s", action="a"),
        verified=True,
        learning=LEARNING,
    ),
}


@pytest.mark.parametrize("how", ["taken over", "expired", "another run", "completed", "cancelled"])
@pytest.mark.parametrize("write", WRITES)
async def test_a_stale_fence_changes_nothing(
    board: Board, add: Add, take: Take, contents: Contents, write: str, how: str
) -> None:
    task = await add()
    await add("waits", after=(task.id,))
    stale = (await take()).attempt
    if how == "another run":
        stale = dataclasses.replace(stale, run="run-9")
    elif how == "completed":
        await board.attempts.complete(stale)
    elif how == "cancelled":
        await board.tasks.cancel(task.id)
    else:
        await board.clock.advance(61)
        assert await board.sweep() == [(task.id, 1)]
        if how == "taken over":
            await take("sam", run="run-1")  # even by the very same run
    before = await contents()
    with pytest.raises(LeaseLost, match=f"{task.id}:1") as error:
        await WRITES[write](board, stale)
    assert error.value.remedy
    assert await contents() == before


@pytest.mark.parametrize("write", [name for name in WRITES if name != "record nothing"])
async def test_a_write_that_fails_half_way_changes_nothing(
    board: Board, add: Add, take: Take, contents: Contents, broken: Broken, write: str
) -> None:
    task = await add()
    await add("waits", after=(task.id,))
    attempt = (await take()).attempt
    before = await contents()
    async with broken("events"):
        with pytest.raises(Exception, match="boom"):
            await WRITES[write](board, attempt)
    assert await contents() == before
    await WRITES[write](board, attempt)  # and the board is as usable as before


async def test_a_lesson_is_stored_once_per_attempt(board: Board, add: Add, take: Take) -> None:
    task = await add(priority=Priority.HIGH)
    attempt = (await take()).attempt
    before = NewMemory(agent="sam", kind="learning", text="before the crash", task=task.id, fence=1)
    await board.memories.add([before])
    assert await board.attempts.fail(attempt, code="x", error="y", limit=3, learning=LEARNING)
    await board.attempts.complete((await take()).attempt, learning=LEARNING)
    texts = [memory.text for memory in await board.memories.newest(10)]
    assert texts == ["Zweimal prüfen: 二度.", "before the crash"]


async def test_what_a_process_held_that_is_known_to_be_dead_is_free_with_the_next_sweep(
    board: Board, add: Add, take: Take
) -> None:
    dead = await board.runs.start("sam", role="backend", skills=[])
    alive = await board.runs.start("leo", role="backend", skills=[])
    for title in ("one", "two"):
        await add(title)
    lost, kept = await take(run=dead), await take("leo", run=alive)
    await board.runs.bury([dead])
    assert await board.sweep() == [(lost.task.id, lost.attempt.fence)]
    (attempt,) = await board.attempts.of(lost.task.id)
    assert attempt.state is AttemptState.EXPIRED  # it counts: a task may be what kills its workers
    assert [one.task_id for one in await board.attempts.active()] == [kept.task.id]
    kinds = [event.kind for event in await board.events.find(kind="run.died")]
    await board.runs.bury([dead])
    assert kinds == ["run.died"]
    assert len(await board.events.find(kind="run.died")) == 1
