"""Processes of a fleet that die, are asked to end, or lose their supervisor."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import AttemptState, TaskState

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks processes up in /proc"),
]

HOLD = "touch .begun; while test ! -e .go; do sleep 0.05; done"
"""Goes on until somebody outside lets it."""
KEY = "roadmap:ROADMAP.md#subtract"

Wait = Callable[[Callable[[], object]], None]


@pytest.fixture
def held(project: Any) -> Any:
    """Two roadmap items; the work on the first is in a command until ``release``."""
    roadmap = "# Roadmap\n\n- [ ] Subtract (@sam)\n- [ ] Divide (@sam)\n"
    project.commit({"ROADMAP.md": roadmap, ".gitignore": ".begun\n.go\n"})
    for name in ("subtract", "divide"):
        first = [project.run(HOLD)] if name == "subtract" else []
        project.says(
            f"roadmap:ROADMAP.md#{name}",
            *first,
            project.write(f"{name}.py", f"def {name}(a, b): ...\n"),
            project.done(f"Added {name}."),
        )
    return project


def begun(project: Any) -> list[Path]:
    return list((project.home / "work").glob("*/tree/.begun"))


def release(project: Any) -> None:
    for file in begun(project):
        (file.parent / ".go").touch()


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


async def at_work(project: Any) -> int:
    """The process that works on task 1."""
    async with project.board() as board:
        (attempt,) = await board.attempts.active()

        def pid(c: Any) -> int:
            from sqlalchemy import select

            from neveridle.board.schema import runs

            return int(c.execute(select(runs.c.pid).where(runs.c.id == attempt.run)).scalar_one())

        found: int = await board.database.read(pid)
        return found


async def attempts_of(project: Any, task: int) -> list[AttemptState]:
    async with project.board() as board:
        return [one.state for one in await board.attempts.of(task)]


async def errors(project: Any) -> list[tuple[str, str, str]]:
    """What went wrong, for whoever reads why a test failed."""
    async with project.board() as board:
        found = [one for task in (1, 2) for one in await board.attempts.of(task)]
    return [(str(one.state), str(one.error), str(one.outcome)) for one in found]


async def nothing_is_left(project: Any) -> None:
    """No lease, no run that counts as alive, no lock of git's."""
    async with project.board() as board:
        assert await board.attempts.active() == []
        # Who was stopped before it was registered is not there at all.
        assert {one["heartbeat_at"] for one in (await board.status())["agents"]} == {None}
    assert not list((project.repo / ".git").rglob("*.lock"))


@pytest.mark.postgres_in_chaos
async def test_a_killed_process_is_started_again_and_its_task_finished_once(
    held: Any, start: Callable[..., Any], wait: Wait
) -> None:
    # The lease is longer than the test: only that its process is known to be dead frees the task.
    held.use("leases", lease=3600.0, heartbeat=0.5)
    fleet = start(held, "--processes", "3", "--until", "idle", "--json")
    wait(lambda: begun(held))
    victim = await at_work(held)
    workers = fleet.workers
    assert len(workers) == 3
    fleet.send(signal.SIGSTOP)  # nobody copies the tree while something is put into it
    os.kill(victim, signal.SIGKILL)
    release(held)
    fleet.send(signal.SIGCONT)
    report = fleet.report()

    assert report["reason"] == "idle"
    assert sorted(one["restarts"] for one in report["processes"]) == [0, 0, 1]
    assert report["endings"] == {"completed": 2}, await errors(held)
    assert await attempts_of(held, 1) == [AttemptState.EXPIRED, AttemptState.COMPLETED]
    assert (held.merges, held.clones, held.branches) == (2, [], [])
    assert held.shows("subtract.py") is not None
    await nothing_is_left(held)


@pytest.mark.parametrize("project", ["sqlite"], indirect=True)
async def test_asked_to_end_it_finishes_what_is_at_work_and_begins_nothing(
    held: Any, start: Callable[..., Any], wait: Wait
) -> None:
    fleet = start(held, "--processes", "2", "--grace", "600", "--json")
    wait(lambda: begun(held))
    fleet.send(signal.SIGTERM)
    wait(lambda: len(fleet.workers) == 1)  # the one that had nothing to do has gone
    release(held)
    code, out, err = fleet.ends()

    assert code == 128 + signal.SIGTERM, err
    assert '"reason": "drained"' in out
    assert await attempts_of(held, 1) == [AttemptState.COMPLETED]
    assert await attempts_of(held, 2) == []
    assert (held.merges, held.clones) == (1, [])
    await nothing_is_left(held)


@pytest.mark.parametrize("project", ["sqlite"], indirect=True)
@pytest.mark.parametrize("processes", ["1", "2"])
async def test_what_is_not_finished_in_time_is_returned(
    held: Any, start: Callable[..., Any], wait: Wait, processes: str
) -> None:
    fleet = start(held, "--processes", processes, "--grace", "0.5")
    wait(lambda: begun(held))
    workers = fleet.workers
    fleet.send(signal.SIGTERM)
    code, out, err = fleet.ends()

    assert code == 128 + signal.SIGTERM, err
    assert "Traceback" not in out + err
    assert "is killed" not in err
    assert not alive(workers)
    assert await attempts_of(held, 1) == [AttemptState.RELEASED]
    async with held.board() as board:
        assert (await board.tasks.get(1)).state is TaskState.PENDING
    await nothing_is_left(held)


@pytest.mark.parametrize("project", ["sqlite"], indirect=True)
@pytest.mark.parametrize("numbers", [(signal.SIGINT,), (signal.SIGTERM, signal.SIGTERM)])
async def test_ctrl_c_and_a_second_signal_do_not_wait_for_the_grace(
    held: Any, start: Callable[..., Any], wait: Wait, numbers: tuple[signal.Signals, ...]
) -> None:
    fleet = start(held, "--processes", "2", "--grace", "3600")
    wait(lambda: begun(held))
    for number in numbers:
        fleet.send(number)
        if number is signal.SIGTERM and len(fleet.workers) == 2:
            wait(lambda: len(fleet.workers) == 1)  # it was heard: two at once are one
    code, out, err = fleet.ends()

    assert code == 128 + numbers[0], err
    assert "back on the board" in out
    assert await attempts_of(held, 1) == [AttemptState.RELEASED]
    await nothing_is_left(held)


@pytest.mark.postgres_in_chaos
@pytest.mark.parametrize("project", ["postgres"], indirect=True)
async def test_without_their_supervisor_the_others_end_in_order(
    held: Any, start: Callable[..., Any], wait: Wait
) -> None:
    fleet = start(held, "--processes", "2", "--grace", "0.5")
    wait(lambda: begun(held))
    workers = fleet.workers
    assert len(workers) == 2
    fleet.send(signal.SIGKILL)
    wait(lambda: not alive(workers))

    assert await attempts_of(held, 1) == [AttemptState.RELEASED]
    await nothing_is_left(held)


@pytest.mark.postgres_in_chaos
@pytest.mark.parametrize("project", ["postgres"], indirect=True)
async def test_until_idle_ends_when_all_are_idle(project: Any, start: Callable[..., Any]) -> None:
    """What one process hands to an agent of another is done before any of them ends."""
    handed = {"to": "leo", "action": "Go on", "changes": False}
    project.says(
        "dispatch:begin",
        project.write("begun.py", "x = 1\n"),
        project.done("Began.", status="handed_off", handoff=handed),
    )
    project.says("dispatch:begin>leo", project.done("Went on."))
    async with project.board() as board:
        from neveridle.board import NewTask, Source

        await board.tasks.add(NewTask(source=Source.DISPATCH, title="Begin", assignee="sam"))
    report = start(project, "--processes", "3", "--until", "idle", "--json").report()

    assert (report["reason"], report["endings"]) == ("idle", {"handed_off": 1, "completed": 1})
    assert {line["agent"] for line in report["attempts"]} == {"sam", "leo"}
    assert (report["model_calls"], report["input_tokens"]) == (3, 30)
    assert [one["agents"] for one in report["processes"]] == [["leo"], ["max"], ["sam"]]
