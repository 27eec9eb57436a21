"""Who cannot prove that its lease holds writes nothing outside; and patience with others."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import AttemptState, Board, NewTask, Source, TaskState
from neveridle.board.elapsed import elapsed
from neveridle.board.sqlite import connection as sqlite_connection
from neveridle.errors import LeaseLost
from neveridle.graph import patience as patience_module
from neveridle.graph.desk import Job
from neveridle.graph.fencing import Fencing
from neveridle.graph.patience import Patience
from neveridle.settings import LeaseSettings
from neveridle.tools.workspace import Workspace, Workspaces

LEASE, BEAT = 1.2, 0.1


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Another process holds the board for writing, and does not let go."""
    plain = sqlite3.connect(path, isolation_level=None)
    plain.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        plain.execute("ROLLBACK")
        plain.close()


async def test_a_merge_waits_while_the_board_cannot_confirm_the_lease(
    project: Any, hands: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = project.git("rev-parse", "main")
    project.use("leases", lease=LEASE, heartbeat=BEAT)
    # What is held in doubt for longer than a lease is given up; here it is not.
    there, go, real = asyncio.Event(), asyncio.Event(), Workspace.fast_forward_target
    tried: list[bool] = []

    async def move(self: Workspace, **more: Any) -> Any:
        tried.append(True)
        return await real(self, **more)

    async def head_of(self: Workspaces) -> str:
        there.set()
        await go.wait()
        return await real_head(self)

    async with project.team(worker=hands) as team:
        real_head = Workspaces.head
        monkeypatch.setattr(Workspace, "fast_forward_target", move)
        task = await team.dispatch("sam", "Fix")
        run = asyncio.create_task(team.run(until="idle"))
        await until(lambda: team.desk.jobs)
        (job,) = team.desk.jobs
        monkeypatch.setattr(Workspaces, "head", head_of)
        await there.wait()
        with locked(project.home / "board.db"):
            await until(lambda: team.fencing.left(job) <= 0)
            go.set()
            await asyncio.sleep(0.3)
            assert tried == []  # it works on, and writes nothing outside
            assert project.git("rev-parse", "main") == head
        report = await run
        (attempt,) = await team.board.attempts.of(task.id)
    assert (report.endings, tried) == ({"completed": 1}, [True])
    assert attempt.state is AttemptState.COMPLETED
    assert project.merges == 1


async def test_what_was_fenced_off_for_too_long_is_returned_when_the_board_is_back(
    project: Any, hands: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_connection, "BUSY_LIMIT", 0.2)
    project.use("leases", lease=LEASE, heartbeat=BEAT)
    ended = asyncio.Event()

    async def act(assignment: Any) -> Any:
        with locked(project.home / "board.db"):
            job = team.desk.jobs[0]
            await until(lambda: team.fencing.left(job) <= 0)
            with pytest.raises(LeaseLost):
                async with team.fencing.outside(job):
                    raise AssertionError
        ended.set()
        raise LeaseLost("It ends here.")

    hands.do("Fix", act, hands.leave({"a.txt": "a\n"}))
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        attempts = await team.board.attempts.of(task.id)
    assert ended.is_set()
    assert report.endings == {"lost": 1, "completed": 1}
    # Its heartbeats went on, and would have held the task for ever. (Where they were late, it
    # has expired by itself.)
    assert attempts[0].state in (AttemptState.RELEASED, AttemptState.EXPIRED)


async def test_what_has_begun_is_cancelled_when_the_lease_can_be_over(tmp_path: Path) -> None:
    async with Board(f"sqlite:///{tmp_path}/b.db") as board:
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="x"))
        won = await board.attempts.claim(
            agent="sam", run="run-1", skills=[], source=Source.BACKLOG, lease=0.3
        )
        assert won is not None
        job = Job(won.task, won.attempt, None, vouched=elapsed())
        fencing = Fencing(board.clock, 0.3)
        cut = False
        with pytest.raises(LeaseLost):
            async with fencing.outside(job):
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    cut = True
                    raise
        assert cut
        assert fencing.left(job) <= 0
        # Confirmed in time it goes on, and what it raises itself comes through.
        job.vouched = elapsed()
        with pytest.raises(TimeoutError, match="its own"):
            async with fencing.outside(job):
                raise TimeoutError("its own")
        job.lost = True
        with pytest.raises(LeaseLost):
            async with fencing.outside(job):
                raise AssertionError


class Ticking:
    """The clock of this process, which a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(patience_module, "awake_seconds", lambda: self.now)


async def test_patience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Ticking(monkeypatch)
    async with Board(f"sqlite:///{tmp_path}/b.db") as board:
        times = iter([5000.0, 5029.0, 5030.0, 23030.0, 23059.0, 23060.0, 23061.0, 23200.0, 23230.0])

        async def now() -> float:
            return next(times)

        monkeypatch.setattr(board.clock, "now", now)
        one = Patience(board, LeaseSettings(lease=120, heartbeat=20))
        seen: list[bool] = []
        for passed in (0, 29, 1):  # it has only just begun to watch
            here.now += passed
            seen.append(await one.over())
        assert seen == [False, False, True]
        assert not await one.over()  # the clock was set forward by five hours
        here.now += 29
        assert not await one.over()
        here.now += 1
        assert await one.over()
        one.beaten()
        here.now += 1
        assert await one.over()
        here.now += 139  # the board could not be reached
        one.beaten()
        assert not await one.over()
        here.now += 30
        assert await one.over()


async def test_a_clock_set_forward_costs_a_living_worker_nothing(
    project: Any, hands: Any, until: Any
) -> None:
    """Two processes on a host whose clock jumps five hours ahead, and four agents at most."""
    project.use("leases", lease=3, heartbeat=0.6)
    begun, go = asyncio.Event(), asyncio.Event()

    async def act(assignment: Any) -> Any:
        begun.set()
        await go.wait()
        return await hands.leave({"a.txt": "a\n"})(assignment)

    hands.do("Fix", act)
    async with project.team(worker=hands) as lives, project.team(worker=hands) as other:
        task = await lives.dispatch("sam", "Fix")
        run = asyncio.create_task(lives.run(until="idle"))
        await begun.wait()
        await other.keeper.sweep()
        await asyncio.sleep(1.0)
        assert await other.board.sweep(reclaim=False) == []
        plain = sqlite3.connect(project.home / "board.db", timeout=30)
        plain.execute("UPDATE clock_guard SET ahead = ahead + 18000, newest = newest + 18000")
        plain.commit()
        plain.close()
        await other.keeper.sweep()
        assert (await other.board.tasks.get(task.id)).state is TaskState.IN_PROGRESS
        await asyncio.sleep(2)
        await other.keeper.sweep()
        go.set()
        report = await run
        (attempt,) = await lives.board.attempts.of(task.id)
    assert (report.endings, attempt.state) == ({"completed": 1}, AttemptState.COMPLETED)
