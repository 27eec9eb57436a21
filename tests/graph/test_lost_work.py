"""Work whose lease was lost is stopped with the next heartbeat, wherever it stands."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import AttemptState, TaskState
from neveridle.tools.workspace import Workspace

COMMAND, CHECK = "sleep 347.25", "sleep 347.75"
"""Told apart, for the tests may run at the same time."""


def running(command: str) -> list[int]:
    """The processes that run a command, or wait for it."""
    found: list[int] = []
    for name in [path.name for path in Path("/proc").iterdir()]:
        try:
            line = Path(f"/proc/{name}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, ValueError):
            continue
        if command in line and int(name) != os.getpid():
            found.append(int(name))
    return found


async def lose(team: Any, run: asyncio.Task[Any]) -> Any:
    """Another process takes the lease away; our next heartbeat notices."""
    await team.board.clock.advance(1000)
    assert len(await team.board.sweep()) == 1
    await team.keeper.beat()
    return await run


async def stopped(project: Any, team: Any, head: str) -> None:
    """Nothing of it reached the board or the repository."""
    (attempt,) = await team.board.attempts.of(1)
    assert attempt.state is AttemptState.EXPIRED
    assert (await team.board.tasks.get(1)).state is TaskState.PENDING
    assert team.desk.jobs == []
    assert (project.git("rev-parse", "main"), project.branches) == (head, [])


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
async def test_a_command_is_killed_with_all_its_processes(project: Any, until: Any) -> None:
    head = project.git("rev-parse", "main")
    await project.script()
    project.says("dispatch:long", project.run(f"touch begun; {COMMAND} & {COMMAND}; wait"))
    async with project.team() as team:
        await team.dispatch("sam", "Long")
        run = asyncio.create_task(team.run(until="idle", ticks=1))
        await until(lambda: list((project.home / "work").glob("*/tree/begun")))
        await until(lambda: running(COMMAND))
        report = await lose(team, run)
        assert (report.endings, running(COMMAND)) == ({"lost": 1}, [])
        await stopped(project, team, head)


async def test_a_model_call_is_given_up(
    project: Any, api: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    head = project.git("rev-parse", "main")
    await project.script()
    api.use(project)
    hold, real = threading.Event(), api.answer

    def answer(body: Any) -> Any:
        api.asked.append(body)
        hold.wait(60)
        return real(body)

    monkeypatch.setattr(api, "answer", answer)
    async with project.team() as team:
        await team.dispatch("sam", "Long")
        run = asyncio.create_task(team.run(until="idle", ticks=1))
        await until(lambda: api.asked)
        try:
            report = await lose(team, run)
        finally:
            hold.set()
        assert report.endings == {"lost": 1}
        await stopped(project, team, head)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
async def test_a_check_is_killed(project: Any, hands: Any, until: Any) -> None:
    head = project.git("rev-parse", "main")
    project.use("checks", tests=f"{CHECK}; true")
    await project.script()
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Long")
        run = asyncio.create_task(team.run(until="idle", ticks=1))
        await until(lambda: running(CHECK))
        report = await lose(team, run)
        assert (report.endings, running(CHECK)) == ({"lost": 1}, [])
        assert report.attempts[0].path[-1] == "verify"
        await stopped(project, team, head)


async def test_a_merge_is_not_begun_any_more(
    project: Any, hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = project.git("rev-parse", "main")
    await project.script()
    there, real = asyncio.Event(), Workspace.merge

    async def merge(self: Workspace, *args: Any, **more: Any) -> Any:
        made = await real(self, *args, **more)
        there.set()
        await asyncio.sleep(600)  # everything but the target's own move is done
        return made

    monkeypatch.setattr(Workspace, "merge", merge)
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Long")
        run = asyncio.create_task(team.run(until="idle", ticks=1))
        await there.wait()
        report = await lose(team, run)
        assert report.endings == {"lost": 1}
        assert report.attempts[0].path[-1] == "deliver"
        await stopped(project, team, head)


async def test_between_two_steps_the_next_one_is_not_begun(project: Any, hands: Any) -> None:
    head = project.git("rev-parse", "main")
    await project.script()
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Long")
        path: list[str] = []
        async for step in team.graph.astream({"agent": "sam"}, stream_mode="updates"):
            path += step
            if "verify" in step:
                await team.board.clock.advance(1000)
                await team.board.sweep()
                await team.keeper.beat()
        assert path[-2:] == ["verify", "deliver"]  # it looked, and ended there
        await stopped(project, team, head)
