"""A board that hangs: the process fences itself off, and goes on when it is back."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest

from neveridle.board import Board, NewTask, Source, TaskState
from neveridle.board.elapsed import elapsed
from neveridle.errors import LeaseLost
from neveridle.graph.desk import Desk, Job
from neveridle.graph.fencing import Fencing
from neveridle.graph.keeper import Keeper
from neveridle.graph.wakeups import Wakeups
from neveridle.settings import LeaseSettings

Hangs = Callable[[], AbstractContextManager[None]]

LEASE = 1.0


@pytest.fixture
def hangs(board_url: str) -> Hangs:
    """Another process keeps everybody from writing."""

    @contextmanager
    def sqlite() -> Generator[None]:
        plain = sqlite3.connect(Path(board_url.removeprefix("sqlite:///")), isolation_level=None)
        plain.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            plain.execute("ROLLBACK")
            plain.close()

    @contextmanager
    def postgres() -> Generator[None]:
        with psycopg.connect(board_url) as connection:
            connection.execute("LOCK TABLE clock IN EXCLUSIVE MODE")
            yield

    return sqlite if board_url.startswith("sqlite") else postgres


async def test_who_cannot_renew_for_a_lease_stops_by_itself(
    board: Board, hangs: Hangs, until: Callable[[Callable[[], object]], Awaitable[None]]
) -> None:
    await board.clock.script(None)
    await board.tasks.add(NewTask(source=Source.BACKLOG, title="work"))
    asked = elapsed()
    run = await board.runs.start("sam", role="backend", skills=[])
    won = await board.attempts.claim(
        agent="sam", run=run, skills=[], source=Source.BACKLOG, lease=LEASE
    )
    assert won is not None
    desk, fencing = Desk(), Fencing(board.clock, LEASE)
    settings = LeaseSettings(lease=LEASE, heartbeat=0.1)
    keeper = Keeper(board, desk, Wakeups(board), settings, attempts=9)
    works = asyncio.create_task(asyncio.sleep(3600))
    job = Job(won.task, won.attempt, None, runner=works, vouched=asked)
    desk.put(job)
    keeper.add(run)
    keeper.start()
    try:
        await until(lambda: fencing.left(job) > LEASE / 2)
        with hangs():
            async with asyncio.timeout(30):
                with pytest.raises(LeaseLost):
                    async with fencing.outside(job):  # begun in time, and cut short
                        await asyncio.sleep(3600)
            assert fencing.left(job) <= 0
            with pytest.raises(LeaseLost):
                async with fencing.outside(job):
                    raise AssertionError
            assert not works.done()  # what it does for itself goes on
        # Nobody wanted the task meanwhile: the next heartbeat confirms the lease.
        await until(lambda: fencing.left(job) > LEASE / 2)
        async with fencing.outside(job):
            pass
        assert not job.lost
        assert (await board.tasks.get(won.task.id)).state is TaskState.IN_PROGRESS
        await board.attempts.complete(job.attempt)
    finally:
        works.cancel()
        await keeper.stop()
