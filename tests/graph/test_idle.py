"""Nothing to do costs nothing: no model, no byte."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import NewTask, Source


def state_of(home: Path) -> dict[str, int]:
    """The sizes of all files."""
    return {
        str(path.relative_to(home)): path.stat().st_size
        for path in sorted(home.rglob("*"))
        if path.is_file() and "memory" not in path.parts and not path.name.endswith("-shm")
    }


async def test_idle_ticks_call_no_model_and_write_nothing(project: Any, hands: Any) -> None:
    project.soul("leo")
    project.commit({"ROADMAP.md": "- [x] Done\n- [ ] Somebody else's (@person)\n"})
    project.use("improvement", enabled=True, finders=["todo"])
    async with project.team(worker=hands) as team:
        await team.board.tasks.add(
            NewTask(source=Source.BACKLOG, title="Not ours", skills=("cobol",))
        )
        for agent in ("sam", "leo"):
            await team.graph.ainvoke({"agent": agent})
        watcher = sqlite3.connect(project.home / "board.db")
        sizes = state_of(project.home)
        version = watcher.execute("PRAGMA data_version").fetchone()
        events = await team.board.events.newest()

        for _ in range(100):
            for agent in ("sam", "leo"):
                state = await team.graph.ainvoke({"agent": agent})
                assert state["path"][-2:] == ["check_improvement", "rest"]

        assert watcher.execute("PRAGMA data_version").fetchone() == version
        assert state_of(project.home) == sizes
        assert await team.board.events.newest() == events
        watcher.close()
    assert hands.seen == []
    assert "checkpoints.db" not in sizes


async def test_a_resting_team_writes_nothing_while_it_waits(
    project: Any, hands: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neveridle.graph.runner.GLANCE", 0.01)
    monkeypatch.setattr("neveridle.graph.wakeups.POLL", 0.01)
    async with project.team(worker=hands) as team:
        run = asyncio.create_task(team.run(until="forever"))
        glances = 0
        glance: Callable[[float], bool] = team.sources.glance

        def counted(now: float) -> bool:
            nonlocal glances
            glances += 1
            return glance(now)

        monkeypatch.setattr(team.sources, "glance", counted)
        await until(lambda: glances >= 3)
        watcher = sqlite3.connect(project.home / "board.db")
        version = watcher.execute("PRAGMA data_version").fetchone()
        await until(lambda: glances >= 30)
        assert watcher.execute("PRAGMA data_version").fetchone() == version
        watcher.close()
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


async def test_a_day_without_work_costs_nothing(
    project: Any, hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the scripted clock: a day of heartbeats, and of looking for improvements once."""
    monkeypatch.setattr("neveridle.graph.runner.GLANCE", 0.01)
    project.use("improvement", enabled=True, finders=["todo"])
    await project.script()
    async with project.team(worker=hands) as team:
        beats = 0
        beat: Callable[[], Awaitable[None]] = team.keeper.beat

        async def counted() -> None:
            nonlocal beats
            await beat()
            beats += 1

        monkeypatch.setattr(team.keeper, "beat", counted)
        run = asyncio.create_task(team.run(until="forever"))
        while not await team.board.events.find(kind="improvement.looked"):  # noqa: ASYNC110 - on the board
            await asyncio.sleep(0.01)
        newest = await team.board.events.newest()
        hours = 0
        while beats < 24:
            hours += 1
            await team.board.clock.advance(3600)
            await asyncio.sleep(0.02)
        events = await team.board.events.find(after=newest)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        calls = await team.board.events.find(kind="model.call")
    assert [event.kind for event in events if event.kind != "improvement.looked"] == []
    assert len(events) <= 1 + hours // 24  # heartbeats may lag behind the hours
    assert (calls, hands.seen) == ([], [])
    assert not (project.home / "checkpoints.db").exists()


async def test_a_resting_team_is_woken_by_what_comes(project: Any, hands: Any) -> None:
    project.soul("leo")
    async with project.team(worker=hands) as team, project.board() as elsewhere:
        run = asyncio.create_task(team.run(until="forever"))

        async def completed(number: int) -> None:
            while len(await elsewhere.events.find(kind="task.completed")) < number:  # noqa: ASYNC110 - another process's
                await asyncio.sleep(0.01)

        await elsewhere.tasks.add(NewTask(source=Source.BACKLOG, title="By another process"))
        await completed(1)
        project.commit({"ROADMAP.md": "- [ ] Pushed by a person\n"})
        await completed(2)
        await team.dispatch("leo", "By this process")
        await completed(3)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
    assert [seen.task.title for seen in hands.seen] == [
        "By another process",
        "Pushed by a person",
        "By this process",
    ]


async def test_who_works_does_not_keep_the_roadmap_from_who_rests(
    project: Any, hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neveridle.graph.runner.GLANCE", 0.05)
    project.soul("leo")
    held, seen = asyncio.Event(), asyncio.Event()

    async def long(assignment: Any) -> Any:
        project.commit({"ROADMAP.md": "- [ ] New (@leo)\n"})
        await held.wait()
        return await hands.leave({"a.txt": "a\n"})(assignment)

    async def new(assignment: Any) -> Any:
        seen.set()
        return await hands.leave({"b.txt": "b\n"})(assignment)

    hands.do("Long", long)
    hands.do("New", new)
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Long")
        run = asyncio.create_task(team.run(until="idle", timeout=60))
        await seen.wait()
        held.set()
        report = await run
    assert report.endings == {"completed": 2}


async def test_a_board_that_cannot_be_looked_at_for_a_moment_wakes_all_the_same(
    team: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neveridle.errors import BoardUnusable

    version: Callable[[], Awaitable[int]] = team.board.version
    failures = iter([True, True])

    async def sometimes() -> int:
        if next(failures, False):
            raise BoardUnusable("The disk is busy.")
        return await version()

    seen = await team.wakeups.look()
    monkeypatch.setattr(team.board, "version", sometimes)
    waiting = asyncio.create_task(team.wakeups.wait(seen))
    await asyncio.sleep(0)
    await team.dispatch("sam", "Task")
    assert await waiting > seen
