"""Processes learn that something became runnable: told by PostgreSQL, or seen on SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import psycopg
import pytest

from neveridle.board import Board, NewTask, Source
from neveridle.board.database import Changes
from neveridle.board.postgres import changes as postgres_changes
from neveridle.board.postgres.changes import CHANNEL, Notifier

POLL = 0.01

Add = Callable[..., Awaitable[Any]]


@pytest.fixture
async def changes(board: Board, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Changes]:
    """What a process waits with; on PostgreSQL it hears, or waits for an hour."""
    monkeypatch.setattr(postgres_changes, "FALLBACK", 3600.0)
    made = board.changes()
    yield made
    await made.close()


async def higher(board: Board, changes: Changes, than: int) -> int:
    """Wait as a process does until the version is higher."""
    while (version := await board.version()) <= than:
        await changes.wait(POLL)
    return version


async def listening(board: Board, changes: Changes) -> None:
    """Until it really listens: the first thing it does then is to look once more."""
    await changes.wait(POLL)


async def test_another_process_is_woken(board: Board, changes: Changes) -> None:
    await listening(board, changes)
    before = await board.version()
    waiting = asyncio.create_task(higher(board, changes, before))
    async with Board(board.url) as other:
        await other.tasks.add(NewTask(source=Source.BACKLOG, title="Work"))
        assert await waiting > before


async def test_what_a_process_said_last_is_heard_though_it_ends(
    board: Board, changes: Changes
) -> None:
    """As by ``neveridle dispatch``: two tasks within one window, and it is gone."""
    await listening(board, changes)
    before = await board.version()
    async with Board(board.url) as other:
        for title in ("One", "Two"):
            await other.tasks.add(NewTask(source=Source.BACKLOG, title=title))
    assert await higher(board, changes, before + 1) == before + 2


async def test_each_way_to_become_runnable_is_told(
    board: Board, changes: Changes, add: Add, take: Add
) -> None:
    await listening(board, changes)
    async with Board(board.url) as other:
        first = await add("first")
        await add("second", after=(first.id,))
        version = await board.version()

        claim = await other.attempts.claim(
            agent="sam", run="r", skills=[], source=Source.BACKLOG, lease=60
        )
        assert claim is not None
        await other.attempts.release(claim.attempt)
        version = await higher(board, changes, version)

        claim = await take()
        await other.attempts.complete(claim.attempt)
        version = await higher(board, changes, version)

        await take(lease=10)
        await board.clock.advance(11)
        await other.sweep()
        assert await higher(board, changes, version) > version


async def test_a_nudge_ends_the_wait_at_once(changes: Changes) -> None:
    await changes.wait(POLL)
    waiting = asyncio.create_task(changes.wait(3600))
    await asyncio.sleep(0)  # it waits now
    assert not waiting.done()
    changes.nudge()
    await asyncio.wait([waiting], timeout=30)
    assert waiting.done()


async def test_waiting_can_be_given_up_and_closed_twice(board: Board) -> None:
    made = board.changes()
    await listening(board, made)  # else the wait could end by itself before it is given up
    waiting = asyncio.create_task(made.wait(3600))
    await asyncio.sleep(0)  # it waits now
    waiting.cancel()
    await asyncio.wait([waiting], timeout=30)
    assert waiting.cancelled()
    await made.close()
    await made.close()
    assert "neveridle-listen" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_what_is_runnable_in_claiming_order(board: Board, add: Add) -> None:
    from neveridle.board import Priority

    await add("plain", skills=("b", "a"))
    await add("urgent", priority=Priority.URGENT)
    blocker = await add("for leo", assignee="leo", source=Source.DISPATCH)
    await add("blocked", after=(blocker.id,))
    listed, whole = await board.runnable(limit=10)
    assert [(one.id, one.source, one.assignee, one.skills) for one in listed] == [
        (3, "dispatch", "leo", frozenset()),
        (2, "backlog", None, frozenset()),
        (1, "backlog", None, frozenset({"a", "b"})),
    ]
    assert whole
    listed, whole = await board.runnable(limit=1)
    assert ([one.id for one in listed], whole) == ([3, 2], False)


async def test_whom_to_wake_is_decided_by_what_a_claim_would_find(
    board: Board, add: Add, sql: Add
) -> None:
    states: dict[str, tuple[bool, float | None]] = {"up": (True, None), "down": (False, None)}
    states |= {"back": (False, 999_999.0), "later": (False, 1_000_060.0)}
    for name, (usable, retry_at) in states.items():
        await sql(
            "INSERT INTO services (name, usable, retry_at) VALUES (:name, :usable, :at)",
            name=name, usable=usable, at=retry_at,
        )  # fmt: skip
    first = None
    for source in (Source.BACKLOG, Source.DISPATCH):
        for skills in ((), ("a",), ("a", "b")):
            for services in ((), ("down",), ("later",), ("up", "back")):
                for assignee in (None, "sam"):
                    after = () if first is None or services else (first.id,)
                    task = await add(
                        "t", source=source, skills=skills, services=services, assignee=assignee,
                        after=after if skills else (),
                    )  # fmt: skip
                    first = first or task
    listed, whole = await board.runnable(limit=1000)
    assert whole
    for agent in ("sam", "leo"):
        for able in ((), ("a",), ("a", "b"), ("c",)):
            for source in Source:
                found = (
                    task.id for task in listed
                    if task.source == source and task.suits(agent, able)
                )  # fmt: skip
                assert await board.attempts.peek(agent, able, source) == next(found, None)


# PostgreSQL alone


@pytest.fixture
def told(board: Board) -> Callable[[], int]:
    """How many notifications this board's process has sent."""
    database: Any = board.database
    return lambda: int(database._notifier.sent)


@pytest.mark.parametrize("board_url", ["postgres"], indirect=True)
async def test_only_what_makes_something_runnable_is_told(
    board: Board, add: Add, take: Add, told: Callable[[], int]
) -> None:
    first = await add("first")
    await add("second", after=(first.id,))
    claim = await take()
    await asyncio.sleep(0.1)  # the window is over
    sent = told()
    await board.attempts.renew(["run-1"], lease=60)
    await board.attempts.record(claim.attempt, branch="b")
    await board.events.append("x", {})
    assert await board.sweep() == []
    assert told() == sent
    await board.attempts.complete(claim.attempt)
    assert told() == sent + 1
    last = await take()
    await board.attempts.complete(last.attempt)
    assert told() == sent + 1


@pytest.mark.parametrize("board_url", ["postgres"], indirect=True)
async def test_what_was_undone_is_not_told(
    board: Board, add: Add, broken: Any, told: Callable[[], int]
) -> None:
    sent = told()
    async with broken("events"):
        with pytest.raises(Exception, match="boom"):
            await add("undone")
    assert told() == sent


async def test_what_comes_within_a_window_is_told_once() -> None:
    sent: list[None] = []
    notifier = Notifier(lambda: sent.append(None))
    for _ in range(100):
        notifier.woke()
    assert len(sent) == 1
    while notifier.open and len(sent) < 2:  # noqa: ASYNC110 - a timer
        await asyncio.sleep(0.01)
    assert len(sent) == 2
    notifier.woke()
    notifier.flush()
    assert len(sent) == 3
    notifier.flush()
    assert len(sent) == 3


@pytest.mark.parametrize("board_url", ["postgres"], indirect=True)
async def test_who_lost_his_connection_listens_again(
    board: Board, changes: Changes, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_changes, "FIRST_PAUSE", 0.01)
    await listening(board, changes)
    for title in ("One", "Two"):
        with psycopg.connect(board.url, autocommit=True) as other:
            ended = other.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE query LIKE 'LISTEN%%' AND datname = current_database()"
            ).fetchone()
            assert ended == (1,)
        await changes.wait(POLL)  # he is back, and looks for what he may have missed
        before = await board.version()
        waiting = asyncio.create_task(higher(board, changes, before))
        async with Board(board.url) as elsewhere:
            await elsewhere.tasks.add(NewTask(source=Source.BACKLOG, title=title))
        assert await waiting > before


@pytest.mark.parametrize("board_url", ["postgres"], indirect=True)
async def test_a_lost_notification_costs_a_slow_look(
    board: Board, changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    await listening(board, changes)
    monkeypatch.setattr(postgres_changes, "FALLBACK", 0.05)
    before = await board.version()
    with psycopg.connect(board.url, autocommit=True) as other:
        other.execute("UPDATE wakeups SET version = version + 1")
    assert await higher(board, changes, before) > before


@pytest.mark.parametrize("board_url", ["postgres"], indirect=True)
async def test_boards_in_two_schemas_of_a_database_are_kept_apart(
    board: Board, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    def channel(c: psycopg.Connection[Any]) -> str:
        row = c.execute(CHANNEL.encode()).fetchone()
        assert row is not None
        return str(row[0])

    with psycopg.connect(board.url, autocommit=True) as other:
        here = channel(other)
        other.execute(f'LISTEN "{here}"'.encode())
        other.execute("CREATE SCHEMA beside")
        other.execute("SET search_path = beside")
        beside = channel(other)
        other.execute(f'LISTEN "{beside}"'.encode())
        await add("here")
        heard = await asyncio.to_thread(lambda: list(other.notifies(timeout=30, stop_after=1)))
    assert here != beside
    assert [(one.channel, one.payload) for one in heard] == [(here, "")]
