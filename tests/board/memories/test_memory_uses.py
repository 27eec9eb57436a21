"""Which memories were shown to whom, what came of it, and which ones go first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from neveridle.board import AttemptState, Board, NewTask, Source
from neveridle.board.aging import DAY, Ages
from neveridle.board.memories import Effect, Use
from neveridle.board.memory_row import NewMemory

Sql = Callable[..., Awaitable[list[tuple[Any, ...]]]]
Attempted = Callable[..., Awaitable[tuple[int, int]]]
AGES = Ages(events=30, tasks=30)


def note(text: str = "t", **said: Any) -> NewMemory:
    values: dict[str, Any] = {"agent": "sam", "text": text, **said}
    return NewMemory(**values)


@pytest.fixture
def attempted(board: Board, take: Callable[..., Awaitable[Any]]) -> Attempted:
    """Makes a task and an attempt at it that was shown memories, and ended; task and fence."""

    async def attempt(shown: Sequence[int], ends: str = "completed") -> tuple[int, int]:
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="t"))
        one = (await take()).attempt
        ranked = [Use(memory, rank=n, score=0.5) for n, memory in enumerate(shown, start=1)]
        await board.memories.uses.record(one, ranked)
        if ends == "completed":
            await board.attempts.complete(one)
        elif ends == "failed":
            await board.attempts.fail(one, code="x", error="y", limit=1)
        return one.task_id, one.fence

    return attempt


async def test_what_was_shown_is_noted_once(board: Board, attempted: Attempted) -> None:
    uses = board.memories.uses
    one, two, gone = await board.memories.add([note(), note(), note()])
    await board.memories.forget([gone])
    task, fence = await attempted([two, one, gone, 99], ends="")
    attempt = await board.attempts.get(task, fence)
    assert attempt is not None
    again = [Use(one, how="tool", rank=9), Use(one, how="tool")]
    assert await uses.record(attempt, again) == await uses.record(attempt, []) == 0
    first, second = await uses.of_attempt(task, fence)
    assert (first.memory, first.rank, first.how, first.score) == (one, 2, "prompt", 0.5)
    assert (second.memory, second.outcome) == (two, AttemptState.ACTIVE)
    later = await attempted([one])
    assert [(u.task, u.fence, u.outcome) for u in await uses.of_memory(one)] == [
        (*later, AttemptState.COMPLETED), (task, fence, AttemptState.ACTIVE),
    ]  # fmt: skip
    assert len(await uses.of_memory(one, limit=1)) == 1
    assert await uses.of_memory(gone) == []


async def test_how_attempts_ended_with_and_without(board: Board, attempted: Attempted) -> None:
    await attempted([])  # before there was anything to show
    (one,) = await board.memories.add([note(at=await board.clock.now() + 1)])
    await board.clock.advance(2)
    await attempted([one])
    await attempted([one], ends="failed")
    await attempted([], ends="failed")
    await board.clock.advance(2)
    (two,) = await board.memories.add([note(agent="leo")])
    await board.clock.advance(1)
    await attempted([one, two])
    await attempted([two], ends="")
    effects = await board.memories.uses.effects()
    assert effects == [
        Effect(memory=one, uses=3, completed=2, failed=1, other_completed=0, other_failed=1,
               last=effects[0].last),
        Effect(memory=two, uses=2, completed=1, failed=0, other_completed=0, other_failed=0,
               last=effects[1].last),
    ]  # fmt: skip
    assert [e.memory for e in await board.memories.uses.effects(agent="leo")] == [two]
    assert len(await board.memories.uses.effects(limit=1)) == 1


async def test_uses_go_with_their_task_and_the_memory_stays(
    board: Board, attempted: Attempted
) -> None:
    (one,) = await board.memories.add([note()])
    task, fence = await attempted([one])
    await board.clock.advance(31 * DAY)
    gone = await board.retention.tidy(AGES, holder="test")
    assert (gone["tasks"], gone["forgotten"]) == (1, 0)
    assert await board.memories.uses.of_attempt(task, fence) == []
    assert len(await board.memories.get([one])) == 1


async def test_bare_rows_go_once_everybody_had_time_to_learn(
    board: Board, attempted: Attempted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neveridle.board.aged_forgotten.ROWS", 2)
    memories = board.memories
    ids = await memories.add([note(f"{n}") for n in range(7)])
    await memories.supersede(ids[5:6], ids[6])
    behind = await memories.revision()
    await attempted(ids[:1])
    await memories.forget(ids[:3])
    forgotten = await memories.revision()
    await board.clock.advance(20 * DAY)
    await memories.forget(ids[3:4])
    ages = Ages()
    assert await board.retention.tidy(ages, holder="test") | {"forgotten": 0} == (
        await board.retention.count(ages)
    )
    assert await memories.follows(behind)
    await board.clock.advance(11 * DAY)
    assert await board.retention.due(ages)
    assert (await board.retention.count(ages))["forgotten"] == 3
    assert (await board.retention.tidy(ages, holder="test"))["forgotten"] == 3
    # Those that are superseded stay, however old; and a newer bare row does.
    assert [row.id for row in await memories.get(ids)] == ids[3:]
    assert [c.row.id for c in await memories.changes(behind, 9)] == [ids[3]]
    assert not await memories.follows(behind)
    assert not await memories.follows(forgotten - 1)
    assert await memories.follows(forgotten)
    assert await memories.follows(0)
    async with Board(board.url) as other:  # whoever comes later is told so, too
        assert not await other.memories.follows(behind)
    await board.clock.advance(100 * DAY)
    assert not await board.retention.due(Ages(forgotten=0))


async def test_the_least_valuable_go_first(board: Board, attempted: Attempted) -> None:
    memories = board.memories
    now = await board.clock.now()
    names = (
        "pinned", "shown", "strong", "trusted", "important", "fresh", "old", "retired", "superseded"
    )  # fmt: skip
    said: dict[str, dict[str, Any]] = {
        "pinned": {"importance": 0.0, "origin": "person", "trusted": True, "at": 0.0},
        "important": {"importance": 0.8},
        "trusted": {"trusted": True},
        "old": {"at": now - 300 * DAY},
    }
    made = await memories.add([note(n, **{"at": now, **said.get(n, {})}) for n in names])
    ids = dict(zip(names, made, strict=True))
    leo = await memories.add([note("of leo", agent="leo", importance=0.0)])
    await memories.change(ids["strong"], strength=4)
    await memories.retire([ids["retired"]])
    await memories.supersede([ids["superseded"]], ids["trusted"])
    await attempted([ids["shown"], ids["old"]], ends="failed")
    for _ in range(9):
        await attempted([ids["shown"]])
    order = [
        "retired", "superseded", "old", "fresh", "important", "trusted", "strong", "shown",
        "pinned",
    ]  # fmt: skip
    named = {memory: name for name, memory in ids.items()}
    assert [named[m] for m in await memories.evictable("sam", 99)] == order
    assert [named[m] for m in await memories.evictable("sam", 2)] == order[:2]
    assert await memories.evict("sam", 9) == []
    assert sorted(named[m] for m in await memories.evict("sam", 5)) == sorted(order[:4])
    assert {row.text for row in await memories.newest(99)} == {*order[4:], "of leo"}
    assert await memories.count() == {"forgotten": 4, "live": 6}
    (event,) = await board.events.find(kind="memory.evicted")
    assert (event.agent, event.data["count"]) == ("sam", 4)
    assert leo == await memories.evict("leo", 0)


async def test_many_go_in_bounded_steps_and_never_too_many(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neveridle.board.memories.eviction.BATCH", 4)
    await board.memories.add([note(importance=n / 20) for n in range(20)])
    assert await board.memories.evict("sam", 9) == list(range(1, 12))
    assert await board.memories.count() == {"forgotten": 11, "live": 9}
    assert await board.memories.evict("sam", 9) == []
    counts = [e.data["count"] for e in await board.events.find(kind="memory.evicted")]
    assert sorted(counts) == [3, 4, 4]


async def test_who_adds_again_and_again_stays_within(board: Board) -> None:
    memories = board.memories
    for n in range(0, 1_200, 10):
        await memories.add([note(importance=n / 2_000)] * 10)
        await memories.keep_within("sam", 1_000, added=10)
        assert (await memories.count())["live"] <= 1_005 + 10
    await memories.add([note(agent="leo")] * 20)
    assert (await memories.count())["live"] >= 1_000 + 20
    await memories.evict_over(1_000)
    assert await memories.count() == {"live": 1_020, "forgotten": 200}
    assert len(await memories.newest(2_000, agent="leo")) == 20
    assert await memories.evict_over(1_000) == []
    # Those that went were the least important.
    assert min(row.id for row in await memories.newest(2_000)) > 190
