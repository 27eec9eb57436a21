"""Who lost its lease changes nothing any more; what nobody works on comes back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from neveridle.board import AttemptState, TaskState


@pytest.fixture
def begun() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def stays(hands: Any, begun: asyncio.Event) -> Any:
    """Hands that work until they are stopped."""

    async def act(assignment: Any) -> Any:
        (assignment.tree / "half.txt").write_text("half\n")
        begun.set()
        await asyncio.sleep(3600)

    hands.do("Long", act)
    return hands


async def test_a_lost_lease_stops_the_work_at_once_and_nothing_is_written(
    project: Any, stays: Any, begun: asyncio.Event
) -> None:
    head = project.git("rev-parse", "main")
    await project.script()
    async with project.team(worker=stays) as team:
        task = await team.dispatch("sam", "Long")
        run = asyncio.create_task(team.run(until="idle", ticks=1))
        await begun.wait()
        await team.board.clock.advance(1000)
        await team.board.sweep()  # another process does it

        await team.keeper.beat()
        report = await run

        (attempt,) = await team.board.attempts.of(task.id)
        assert (await team.board.tasks.get(task.id)).state is TaskState.PENDING
        assert team.desk.jobs == []
    assert report.endings == {"lost": 1}
    assert report.attempts[0].path[-1] == "work"
    assert (attempt.state, attempt.commit) == (AttemptState.EXPIRED, "")
    assert project.git("rev-parse", "main") == head


async def test_a_task_cancelled_while_at_work_stops_its_work_and_is_cleared_away(
    project: Any, stays: Any, begun: asyncio.Event
) -> None:
    async with project.team(worker=stays) as team:
        task = await team.dispatch("sam", "Long")
        run = asyncio.create_task(team.run(until="idle", timeout=60))
        await begun.wait()
        await team.board.tasks.cancel(task.id, reason="not needed")
        await team.keeper.beat()
        report = await run
    assert report.endings == {"lost": 1}
    assert (project.clones, project.branches) == ([], [])


async def test_heartbeats_keep_a_long_work_alive(
    project: Any,
    stays: Any,
    begun: asyncio.Event,
    until: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project.use("leases", lease=60, heartbeat=20)
    await project.script()
    beats = 0
    async with project.team(worker=stays) as team:
        beat = team.keeper.beat

        async def counted() -> None:
            nonlocal beats
            await beat()
            beats += 1  # the next wait begins before anybody else has his turn

        monkeypatch.setattr(team.keeper, "beat", counted)
        await team.dispatch("sam", "Long")
        run = asyncio.create_task(team.run(until="idle", ticks=1))
        await begun.wait()
        (attempt,) = await team.board.attempts.active()
        for number in range(1, 11):
            before = attempt.lease_until
            await team.board.clock.advance(20)
            await until(lambda number=number: beats >= number)
            (attempt,) = await team.board.attempts.active()
            assert attempt.lease_until == before + 20
        assert attempt.fence == 1
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


async def test_a_tick_that_somebody_stops_iterating_over_is_returned(team: Any) -> None:
    task = await team.dispatch("sam", "Task")
    stream = team.graph.astream({"agent": "sam"}, stream_mode="updates")
    async for step in stream:
        if "claim" in step:
            break
    await stream.aclose()
    assert (await team.board.tasks.get(task.id)).state is TaskState.IN_PROGRESS
    await team.keeper.beat()
    await team.keeper.beat()
    assert (await team.board.tasks.get(task.id)).state is TaskState.PENDING
    assert (await team.run(until="idle", timeout=60)).endings == {"completed": 1}


async def test_a_keeper_survives_a_beat_that_fails(
    project: Any, hands: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.use("leases", lease=1, heartbeat=0.01)
    beats = 0

    async def broken() -> None:
        nonlocal beats
        beats += 1
        raise RuntimeError("not this time")

    def over() -> bool:
        return "neveridle-keeper" not in {task.get_name() for task in asyncio.all_tasks()}

    async with project.team(worker=hands) as team:
        monkeypatch.setattr(team.keeper, "beat", broken)
        await until(lambda: beats >= 3 or over())
        assert beats >= 3
