"""kill -9 in the middle of work: a second process finishes, and nothing happens twice."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import AttemptState, Phase, TaskState

KEY = "roadmap:ROADMAP.md#subtract"
SLOW = (
    "test -e .slow || {{ trap '' TERM INT HUP; setsid sleep {0} & (sleep {0} &); touch .slow;"
    " sleep {0}; }}; rm .slow"
)
"""Takes a minute the first time, and no time when it is run again in the same tree.

The first time it has children who want to outlive it: in a session of its own, orphaned, deaf.
"""

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks processes up in /proc")

Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def slow(project: Any) -> Any:
    """A roadmap item whose work is in a command for a minute."""
    project.commit({"ROADMAP.md": "# Roadmap\n\n- [x] Add\n- [ ] Subtract\n"})
    project.seconds = f"61.{secrets.randbelow(10**9):09}"  # by which its processes are known
    project.use("leases", lease=2.0, heartbeat=0.5)
    project.use("memory", enabled=True)
    project.says(
        KEY,
        project.call("read_file", path="calc.py"),
        project.run(SLOW.format(project.seconds)),
        project.write("sub.py", "def sub(a, b):\n    return a - b\n"),
        project.done("Added sub."),
    )
    project.learns(KEY, "Put functions in files of their own.")
    return project


def wait_for_command(project: Any) -> None:
    until = time.monotonic() + 60
    while not list((project.home / "work").glob("*/tree/.slow")):
        assert time.monotonic() < until, "the command never began"
        time.sleep(0.02)


def sleepers(project: Any) -> list[int]:
    """Processes of the command."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"sleep", project.seconds.encode()]:
            found.append(int(folder.name))
    return found


def nobody_sleeps(project: Any) -> bool:
    """Whether the command's processes end: killing is not instantaneous."""
    until = time.monotonic() + 10
    while sleepers(project):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def result(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    report: dict[str, Any] = json.loads(out)
    return report


async def assert_done_once(project: Any) -> None:
    """What must hold when all is over, whoever died when."""
    async with project.board() as board:
        task = await board.tasks.get(1)
        events = await board.events.find()
    assert task.state is TaskState.COMPLETED
    assert [e.kind for e in events].count("task.completed") == 1
    assert [e.kind for e in events].count("branch.merged") == 1
    assert project.shows("sub.py") == "def sub(a, b):\n    return a - b"
    assert "- [x] Subtract" in project.shows("ROADMAP.md")
    assert project.git("status", "--porcelain") == ""
    assert project.merges == 1
    assert (project.clones, project.branches) == ([], [])
    assert not list((project.repo / ".git").rglob("*.lock"))


@pytest.mark.postgres_in_chaos
@pytest.mark.slow
async def test_a_second_process_finishes_what_a_killed_one_began(
    slow: Any, start: Start, until: Any, leaves_nothing: Callable[[], Awaitable[None]]
) -> None:
    first = start()
    wait_for_command(slow)
    await until(lambda: len(sleepers(slow)) >= 3)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert nobody_sleeps(slow), "a command outlived the process that ran it"

    report = result(start())

    (line,) = report["attempts"]
    assert (line["ending"], line["path"][-4:]) == (
        "completed",
        ["work", "verify", "deliver", "reflect"],
    )
    assert report["zombie"]["rows"] > 0
    assert report["zombie"]["same"], "the dead attempt's thread was written to"
    await assert_done_once(slow)
    async with slow.board() as board:
        died, finished = await board.attempts.of(1)
        calls = await board.events.find(kind="model.call")
        lessons = await board.memories.newest(10)
    assert (died.state, died.phase) == (AttemptState.EXPIRED, Phase.CLAIMED)
    assert (finished.resumes, finished.number) == (died.fence, 1)
    # Two answers before the kill, two after it: the conversation was gone on with.
    assert [(e.fence, e.data["purpose"]) for e in calls] == [
        (1, "work"),
        (1, "work"),
        (2, "work"),
        (2, "work"),
        (2, "learn"),
    ]
    assert [row.source for row in lessons] == ["task:1"]
    await leaves_nothing()


@pytest.mark.postgres_in_chaos
@pytest.mark.slow
async def test_who_was_only_thought_dead_changes_nothing_any_more(slow: Any, start: Start) -> None:
    first = start()
    wait_for_command(slow)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        report = result(start())
        head = slow.git("rev-parse", "main")
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert report["endings"] == {"completed": 1}
    assert report["zombie"]["same"]

    late = result(first)

    assert late["endings"] == {"lost": 1}
    assert late["attempts"][0]["path"][-1] == "work"
    assert nobody_sleeps(slow)
    assert slow.git("rev-parse", "main") == head
    await assert_done_once(slow)
