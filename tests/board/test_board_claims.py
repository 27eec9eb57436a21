"""Claims: the best runnable task, to one owner."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from neveridle.board import Attempt, Board, Claim, Phase, Priority, Source, Task, TaskState

Add = Callable[..., Awaitable[Task]]
Seek = Callable[..., Awaitable[Claim | None]]
Take = Callable[..., Awaitable[Claim]]
Sql = Callable[..., Awaitable[list[tuple[Any, ...]]]]


async def test_a_claim_gives_task_and_attempt(board: Board, add: Add, take: Take) -> None:
    task = await add()
    assert await board.attempts.peek("sam", [], Source.BACKLOG) == task.id
    claim = await take(lease=30.0)
    assert claim.previous is None
    assert (claim.task.state, claim.task.fence) == (TaskState.IN_PROGRESS, 1)
    assert claim.task == await board.tasks.get(task.id)
    assert claim.attempt == Attempt(
        task_id=task.id, fence=1, run="run-1", agent="sam", number=1, resumes=None,
        phase=Phase.CLAIMED, state=claim.attempt.state, lease_until=1e6 + 30, started_at=1e6,
        ended_at=None, branch="", base="", commit="", outcome=None, evidence=None,
        error_code="", error="",
    )  # fmt: skip
    assert claim.attempt.thread == f"{task.id}:1"
    assert await board.attempts.active() == [claim.attempt]
    assert await board.attempts.of(task.id) == [claim.attempt]
    assert await board.attempts.get(task.id, 1) == claim.attempt
    assert await board.attempts.get(task.id, 2) is None
    claimed = (await board.events.find(kind="task.claimed"))[0]
    assert (claimed.agent, claimed.run, claimed.task_id, claimed.fence) == (
        "sam", "run-1", task.id, 1,
    )  # fmt: skip


async def test_a_task_has_one_owner(board: Board, add: Add, seek: Seek) -> None:
    await add()
    # Two runs under one name are two runs.
    claims = await asyncio.gather(*(seek("sam", run=f"run-{n}") for n in range(5)))
    assert sum(claim is not None for claim in claims) == 1
    assert await board.attempts.peek("sam", [], Source.BACKLOG) is None


async def test_order_is_priority_then_unblocking_then_age(
    board: Board, add: Add, take: Take
) -> None:
    old = await add("old")
    opens_one = await add("opens one")
    high = await add("high", priority=Priority.HIGH)
    opens_two = await add("opens two")
    low = await add("low", priority=Priority.LOW)
    urgent = await add("urgent", priority=Priority.URGENT)
    for blocker in (opens_one, opens_two, opens_two, low):
        await add("waits", after=(blocker.id,), source=Source.ROADMAP)
    got = [(await take()).task.id for _ in range(6)]
    assert got == [task.id for task in (urgent, high, opens_two, opens_one, old, low)]


async def test_a_finished_dependant_does_not_count_any_more(
    board: Board, add: Add, take: Take
) -> None:
    first, second = await add("first"), await add("second")
    waits = await add("waits", after=(second.id,))
    await board.tasks.cancel(waits.id)
    assert (await take()).task.id == first.id


async def test_each_rung_has_its_own(board: Board, add: Add, seek: Seek) -> None:
    ids = {source: (await add(str(source), source=source)).id for source in Source}
    for source in reversed(Source):
        claim = await seek(source=source)
        assert claim is not None
        assert claim.task.id == ids[source]
        assert await seek(source=source) is None


async def test_all_skills_are_needed(board: Board, add: Add, seek: Seek) -> None:
    task = await add(skills=("python", 'say "hi"', "日本語"))
    for skills in ([], ["python"], ["python", "日本語"], ["Python", 'say "hi"', "日本語"]):
        assert await board.attempts.peek("sam", skills, Source.BACKLOG) is None
        assert await seek(skills=skills) is None
    skills = ["css", "日本語", 'say "hi"', "python"]
    assert await board.attempts.peek("sam", skills, Source.BACKLOG) == task.id
    assert await seek(skills=skills) is not None


async def test_addressed_tasks_are_left_to_whom_they_are_addressed(
    board: Board, add: Add, seek: Seek
) -> None:
    hers = await add("hers", assignee="zoë", priority=Priority.URGENT)
    anyone = await add("anyone's")
    claim = await seek("sam")
    assert claim is not None
    assert claim.task.id == anyone.id
    assert await seek("sam") is None
    claim = await seek("zoë")
    assert claim is not None
    assert claim.task.id == hers.id


async def test_a_broken_service_stops_only_what_needs_it(
    board: Board, add: Add, seek: Seek, sql: Sql
) -> None:
    needs = await add("needs", services=("github", "linear"), priority=Priority.HIGH)
    other = await add("other", services=("slack",))
    put = "INSERT INTO services (name, usable, retry_at, reason) VALUES (:name, :usable, :at, '')"
    await sql(put, name="github", usable=True, at=None)
    await sql(put, name="linear", usable=False, at=1e6 + 30)
    await sql(put, name="vercel", usable=False, at=None)
    claim = await seek()
    assert claim is not None
    assert claim.task.id == other.id
    assert await seek() is None
    assert await board.next_due() == 1e6 + 30
    await board.clock.advance(30)
    # Its moment has come, and a task waits for it: whoever rests has to look.
    assert await board.next_due() == 1e6 + 30
    claim = await seek()
    assert claim is not None
    assert claim.task.id == needs.id
    assert await board.next_due() == 1e6 + 60  # the lease: nothing waits for the service
    await board.attempts.release(claim.attempt)
    await sql("UPDATE services SET retry_at = NULL WHERE name = 'linear'")
    assert await seek() is None  # held without a time: until a person has acted


async def test_dependencies_hold_a_task_until_all_are_completed(
    board: Board, add: Add, take: Take, seek: Seek
) -> None:
    one, two = await add("one"), await add("two")
    waits = await add("waits", after=(one.id, two.id), priority=Priority.URGENT)
    first, second = await take(), await take()
    assert await seek() is None
    assert await board.attempts.complete(first.attempt) == []
    assert await seek() is None
    assert await board.attempts.complete(second.attempt) == [waits.id]
    assert (await take()).task.id == waits.id
    unblocked = await board.events.find(kind="task.unblocked")
    assert [(event.task_id, event.data) for event in unblocked] == [(waits.id, {"by": two.id})]


async def test_a_claim_nobody_waits_for_any_more_is_returned(board: Board, add: Add) -> None:
    """Its run lives, and renews; without this the task would be at work for ever."""
    for number in range(20):
        await add(f"task {number}")
    chance = random.Random(7)
    won: set[tuple[int, int]] = set()
    for _ in range(200):
        call = asyncio.create_task(
            board.attempts.claim(
                agent="sam", run="run-1", skills=[], source=Source.BACKLOG, lease=60
            )
        )
        for _ in range(chance.randrange(1, 5)):
            await (asyncio.sleep(0) if chance.random() < 0.5 else board.version())
        call.cancel()
        (claim,) = await asyncio.gather(call, return_exceptions=True)
        if isinstance(claim, Claim):
            won.add((claim.attempt.task_id, claim.attempt.fence))
            await board.attempts.release(claim.attempt)
    assert await board.attempts.active() == []
    assert all(task.runnable for task in await board.tasks.find())
    claimed = await board.events.find(kind="task.claimed")
    assert len(claimed) > len(won)  # some were really lost on the way, else this shows nothing
    assert len(await board.events.find(kind="attempt.released")) == len(claimed)
