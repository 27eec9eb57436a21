"""`pause`, `resume` and `drain`, typed beside a team that runs in processes of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import TaskState

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks processes up in /proc"),
]

MAIN = "from neveridle.cli import main; main()"
Wait = Callable[[Callable[[], object]], None]


def typed(project: Any, *line: str, code: int = 0) -> Any:
    """What one command line printed as JSON."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", MAIN, *line, "--json"],
        cwd=project.root, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout if code == 0 else done.stderr)


@pytest.fixture
def busy(project: Any) -> Any:
    """Three tasks that the model knows."""
    project.commit({"ROADMAP.md": "# Roadmap\n"})
    project.use("leases", heartbeat=1.0)
    for name in ("one", "two", "three"):
        project.says(
            f"dispatch:{name}", project.write(f"{name}.py", "x = 1\n"), project.done("Did it.")
        )
    return project


def alive(project: Any) -> list[str]:
    async def ask() -> list[str]:
        async with project.board() as board:
            found = (await board.status())["agents"]
            return [one["name"] for one in found if one["heartbeat_at"] is not None]

    return asyncio.run(ask())


def states(project: Any) -> list[TaskState]:
    async def ask() -> list[TaskState]:
        async with project.board() as board:
            return [one.state for one in sorted(await board.tasks.find(), key=lambda one: one.id)]

    return asyncio.run(ask())


@pytest.mark.postgres_in_chaos
def test_a_running_team_is_paused_resumed_and_drained_from_outside(
    busy: Any, start: Callable[..., Any], wait: Wait
) -> None:
    fleet = start(busy, "--processes", "2", "--json")
    wait(lambda: alive(busy) == ["leo", "max", "sam"])

    assert typed(busy, "pause", "SAM", "--reason", "a look")["running"] == ["sam"]
    typed(busy, "dispatch", "sam", "One")
    typed(busy, "dispatch", "leo", "Two")
    wait(lambda: states(busy)[1] == TaskState.COMPLETED)
    assert states(busy)[0] == TaskState.PENDING  # before Two, and still there

    assert typed(busy, "resume", "sam")["resumed"] == ["sam"]
    wait(lambda: states(busy)[0] == TaskState.COMPLETED)

    assert typed(busy, "drain")["everybody"] is True
    report = fleet.report()
    assert report["reason"] == "drained"
    assert [one["end"] for one in report["processes"]] == ["over", "over"]

    typed(busy, "dispatch", "max", "Three")
    report = start(busy, "--until", "idle", "--json").report()
    assert (report["reason"], report["endings"]) == ("idle", {"completed": 1})


@pytest.mark.parametrize("project", ["sqlite"], indirect=True)
def test_a_fleet_whose_agents_are_all_paused_says_so(busy: Any, start: Callable[..., Any]) -> None:
    first = start(busy, "--until", "idle", "--json").report()
    typed(busy, "dispatch", "sam", "One")
    typed(busy, "pause")
    fleet = start(busy, "--processes", "2", "--until", "idle", "--json").report()
    alone = start(busy, "--until", "idle").ends()

    assert first["reason"] == "idle"
    assert fleet["reason"] == "paused"
    assert alone[0] == 0
    assert "Everybody is paused" in alone[1]
    assert states(busy) == [TaskState.PENDING]
