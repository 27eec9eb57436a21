"""Ctrl-C at any point: tasks return to the board, no process is left, all stays usable."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import AttemptState, Phase, TaskState

KEY = "dispatch:fix"


def hold(owner: Any, name: str, monkeypatch: pytest.MonkeyPatch, *, before: bool) -> asyncio.Event:
    """Let a method stop for ever before or after its work; the event says that it is there."""
    method: Callable[..., Awaitable[Any]] = getattr(owner, name)
    there = asyncio.Event()

    async def held(*args: Any, **named: Any) -> Any:
        result = None if before else await method(*args, **named)
        if not before and result is None and name == "claim":
            return None
        there.set()
        await asyncio.Event().wait()
        return result

    monkeypatch.setattr(owner, name, held)
    return there


POINTS = [
    "in claim",
    "making the clone",
    "in a model call",
    "in a command",
    "committing",
    "in verify",
    "before the merge",
    "after the merge",
    "drawing the lesson",
]


@pytest.mark.parametrize("point", POINTS)
async def test_a_cancelled_run_returns_its_task_and_a_later_one_finishes(
    project: Any, point: str, until: Any, reaches: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.use("memory", enabled=True)
    mark = f"61.{abs(hash(project.root)) % 10_000:04d}"
    slow = f"test -e .slow || {{ touch .slow; sleep {mark}; }}; rm .slow"
    flags = project.root / "flags"  # verify cleans the tree, so its own mark lies elsewhere
    flags.mkdir()
    if point == "in verify":
        project.use("sandbox", readable=[str(flags)])
        project.use("checks", tests=f"test -e '{flags}/go' || sleep {mark}")
    first = project.run(slow if point == "in a command" else "true")
    project.says(KEY, first, project.write("a.txt", "a\n"), project.done())
    project.learns(KEY, "Look first.")
    async with project.team() as team:
        from neveridle.tools.recording.replayer import ReplayChatModel
        from neveridle.tools.workspace import Workspace

        task = await team.dispatch("sam", "Fix")
        with monkeypatch.context() as patch:
            held = {
                "in claim": lambda: hold(team.board.attempts, "claim", patch, before=False),
                "making the clone": lambda: hold(team.workspaces, "create", patch, before=False),
                "in a model call": lambda: hold(ReplayChatModel, "_agenerate", patch, before=True),
                "committing": lambda: hold(Workspace, "commit", patch, before=True),
                "before the merge": lambda: hold(
                    Workspace, "fast_forward_target", patch, before=True
                ),
                "after the merge": lambda: hold(
                    Workspace, "fast_forward_target", patch, before=False
                ),
                "drawing the lesson": lambda: hold(team.lessons, "draw", patch, before=True),
            }
            there = held[point]() if point in held else None
            run = asyncio.create_task(team.run(until="idle", timeout=60))
            if there is not None:
                await reaches(there, run)
            else:
                await until(lambda: run.done() or sleepers(mark))
                assert not run.done(), run.result()

            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run

        assert sleepers(mark) == []
        assert [one for one in asyncio.all_tasks() if (one.get_name() or "").endswith("-sam")] == []
        assert (await team.board.tasks.get(task.id)).state is TaskState.PENDING
        (attempt,) = await team.board.attempts.of(task.id)
        assert attempt.state is AttemptState.RELEASED
        assert team.desk.jobs == []
        assert project.git("status", "--porcelain") == ""

        (flags / "go").touch()
        made = await team.board.events.find(kind="model.call")
        calls = len([one for one in made if "lost" not in one.data])
        report = await team.run(until="idle", timeout=60)
        total = calls + report.model_calls
        attempts = await team.board.attempts.of(task.id)

    assert report.endings == {"completed": 1}
    assert [one.number for one in attempts] == [1, 1]
    assert attempts[1].resumes == 1
    assert total == 4
    assert (project.shows("a.txt"), project.merges, project.clones) == ("a", 1, [])
    if attempt.phase is Phase.VERIFIED:
        assert report.attempts[0].path[-3:] == ("claim", "deliver", "reflect")


def sleepers(mark: str) -> list[int]:
    """Processes of the command that sleeps."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"sleep", mark.encode()]:
            found.append(int(folder.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")
async def test_a_timeout_ends_a_run_in_the_same_way(project: Any, hands: Any) -> None:
    await project.script()
    begun = asyncio.Event()

    async def long(assignment: Any) -> Any:
        begun.set()
        await asyncio.Event().wait()

    hands.do("Fix", long)
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        run = asyncio.create_task(team.run(until="idle", timeout=100))
        await begun.wait()
        await team.board.clock.advance(101)
        report = await run
        state = (await team.board.tasks.get(task.id)).state
    assert (report.reason, state) == ("timeout", TaskState.PENDING)


async def test_closing_a_team_returns_what_a_direct_tick_holds(project: Any, hands: Any) -> None:
    begun = asyncio.Event()

    async def long(assignment: Any) -> Any:
        begun.set()
        await asyncio.Event().wait()

    hands.do("Fix", long)
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
        tick = asyncio.create_task(team.graph.ainvoke({"agent": "sam"}))
        await begun.wait()
    async with project.board() as board:
        assert (await board.tasks.get(1)).state is TaskState.PENDING
    tick.cancel()
    await asyncio.gather(tick, return_exceptions=True)


async def test_a_direct_tick_that_is_cancelled_returns_its_task_at_once(
    project: Any, hands: Any
) -> None:
    begun = asyncio.Event()

    async def long(assignment: Any) -> Any:
        begun.set()
        await asyncio.Event().wait()

    hands.do("Fix", long)
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        tick = asyncio.create_task(team.graph.ainvoke({"agent": "sam"}))
        await begun.wait()
        tick.cancel()
        await asyncio.gather(tick, return_exceptions=True)
        assert (await team.board.tasks.get(task.id)).state is TaskState.PENDING
        assert team.desk.jobs == []
