"""Ctrl-C and SIGTERM, sent to a real process at work."""

from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board, Source

pytestmark = pytest.mark.slow

LONG = 60.0
"""Seconds after which a test gives up; nothing else here depends on time."""


class _Silent(http.server.BaseHTTPRequestHandler):
    """Takes a request, and never answers."""

    asked: threading.Event
    over: threading.Event

    def do_POST(self) -> None:
        self.asked.set()
        self.over.wait(LONG)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def slow_model() -> Generator[tuple[str, threading.Event]]:
    """The address of an API that never answers, and whether it was asked."""
    asked, over = threading.Event(), threading.Event()
    handler = type("Silent", (_Silent,), {"asked": asked, "over": over})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1", asked
    over.set()
    server.shutdown()
    server.server_close()
    thread.join()


def _wait_for(what: Callable[[], object]) -> None:
    until = time.monotonic() + LONG
    while not what():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def _descendants(pid: int) -> dict[int, str]:
    """The command lines of all processes below one, by their id."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:  # it has ended meanwhile
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found: dict[int, str] = {}
    level = {pid}
    while level:
        level = {child for child, parent in parents.items() if parent in level}
        found |= {child: _command(child) for child in level}
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _living(pids: dict[int, str]) -> dict[int, str]:
    return {pid: name for pid, name in pids.items() if _command(pid) == name}


def _state(project: Any) -> tuple[str, list[str]]:
    """The state of task 1, and how its attempts ended."""

    async def work(board: Board) -> tuple[str, list[str]]:
        task = await board.tasks.get(1)
        return str(task.state), [str(one.state) for one in await board.attempts.of(1)]

    found: tuple[str, list[str]] = project.on_board(work)
    return found


def _stop(process: subprocess.Popen[str], number: signal.Signals) -> tuple[str, str]:
    """Send the signal; what the process printed until it ended.

    How long that took is printed, not asserted: `pytest -rP` shows it.
    """
    begin = time.monotonic()
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=LONG)
    sys.stdout.write(f"ended {time.monotonic() - begin:.2f} s after the signal\n")
    return out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_model_call(
    cli: Callable[..., Any],
    project: Any,
    start: Callable[..., subprocess.Popen[str]],
    slow_model: tuple[str, threading.Event],
    number: signal.Signals,
) -> None:
    address, asked = slow_model
    project.configure(f'[model]\ndefault = "openai:slow"\nbase_url = "{address}"\n')
    cli("dispatch", "sam", "Wait for it")
    process = start(project.folder, "run", "--grace", "0.1")
    _wait_for(asked.is_set)
    out, err = _stop(process, number)

    assert process.returncode == 128 + number
    assert "Traceback" not in out + err
    assert "back on the board" in out
    assert "released" in out
    assert _state(project) == ("pending", ["released"])


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found by /proc")
def test_ctrl_c_during_a_command(
    cli: Callable[..., Any],
    project: Any,
    start: Callable[..., subprocess.Popen[str]],
) -> None:
    project.record("dispatch:take-long", ("run", {"command": "sleep 61"}))
    cli("dispatch", "sam", "Take long")
    process = start(project.folder, "run", "--json")

    def sleeping() -> bool:
        assert process.poll() is None, process.communicate()
        assert "failed" not in _state(project)[1], cli("tasks", "show", "1").out
        return "sleep 61 " in _descendants(process.pid).values()

    _wait_for(sleeping)
    children = _descendants(process.pid)
    out, err = _stop(process, signal.SIGINT)

    assert process.returncode == 130
    assert '"reason": "interrupted"' in out
    assert "Traceback" not in err
    assert not _living(children)
    assert _state(project) == ("pending", ["released"])


def test_what_was_interrupted_is_taken_up_again(
    cli: Callable[..., Any],
    project: Any,
    start: Callable[..., subprocess.Popen[str]],
    slow_model: tuple[str, threading.Event],
) -> None:
    address, asked = slow_model
    project.configure(f'[model]\ndefault = "openai:slow"\nbase_url = "{address}"\n')
    cli("dispatch", "sam", "Wait for it", "--no-change")
    process = start(project.folder, "run")
    _wait_for(asked.is_set)
    _stop(process, signal.SIGINT)
    text = (project.folder / "neveridle.toml").read_text(encoding="utf-8")
    (project.folder / "neveridle.toml").write_text(text.partition("[model]")[0], encoding="utf-8")
    project.record(
        "dispatch:wait-for-it", ("TaskOutcome", {"status": "completed", "summary": "Waited."})
    )
    report = cli("run", "--until", "idle", "--json").json

    assert [line["ending"] for line in report["attempts"]] == ["completed"]
    assert _state(project) == ("completed", ["released", "completed"])


def test_ctrl_c_while_it_rests(project: Any, start: Callable[..., subprocess.Popen[str]]) -> None:
    project.record("dispatch:nothing")
    process = start(project.folder, "run")

    def running() -> bool:
        return project.board_file.exists() and len(_agents(project)) == 2

    _wait_for(running)
    out, err = _stop(process, signal.SIGINT)

    assert process.returncode == 130
    assert "Traceback" not in out + err
    assert [agent["heartbeat_at"] for agent in _agents(project)] == [None, None]


def _agents(project: Any) -> list[dict[str, Any]]:
    async def work(board: Board) -> list[dict[str, Any]]:
        return list((await board.status())["agents"])

    return list(project.on_board(work))


STUCK = """
import sys, threading, time
from neveridle.cli import running
whole = running._Run.whole

async def busy(self):
    # What blocks the event loop for long, as the import of a large library does.
    import asyncio
    async def block():
        while not self.team.desk.jobs:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        print("stuck", flush=True)
        until = time.monotonic() + 50
        while time.monotonic() < until:
            pass
    waits = asyncio.create_task(block())
    return await whole(self)

running._Run.whole = busy
sys.argv[0] = "neveridle"
from neveridle.cli import main
main()
"""


def test_tasks_are_returned_even_when_the_loop_is_stuck(
    cli: Callable[..., Any],
    project: Any,
    slow_model: tuple[str, threading.Event],
    start: Callable[..., subprocess.Popen[str]],
) -> None:
    address, _ = slow_model
    project.configure(f'[model]\ndefault = "openai:slow"\nbase_url = "{address}"\n')
    cli("dispatch", "sam", "Wait for it")
    process = start(project.folder, "run", program=STUCK)
    assert process.stdout is not None
    while "stuck" not in process.stdout.readline():
        assert process.poll() is None
    _, err = _stop(process, signal.SIGINT)

    assert process.returncode == 130
    assert err == ""
    assert _state(project) == ("pending", ["released"])


def test_a_second_ctrl_c_ends_it_at_once(
    cli: Callable[..., Any],
    project: Any,
    slow_model: tuple[str, threading.Event],
    start: Callable[..., subprocess.Popen[str]],
) -> None:
    address, _ = slow_model
    project.configure(f'[model]\ndefault = "openai:slow"\nbase_url = "{address}"\n')
    cli("dispatch", "sam", "Wait for it")
    # Nobody rescues in this one: only the second signal can end it.
    process = start(
        project.folder,
        "run",
        program=f"from neveridle.cli import interrupt; interrupt.GRACE = 600{STUCK}",
    )
    assert process.stdout is not None
    while "stuck" not in process.stdout.readline():
        assert process.poll() is None
    os.kill(process.pid, signal.SIGINT)
    time.sleep(0.2)
    _stop(process, signal.SIGINT)

    assert process.returncode == 130
    assert _state(project)[0] == "in_progress"


def test_a_task_taken_back_is_never_ended_twice(project: Any, cli: Callable[..., Any]) -> None:
    """What a rescued process may still write is refused by the fence."""
    cli("dispatch", "sam", "Once")

    async def work(board: Board) -> list[int]:
        from neveridle.errors import LeaseLost

        run = await board.runs.start("sam", role="backend", skills=[])
        claim = await board.attempts.claim(
            agent="sam", run=run, skills=[], source=Source.DISPATCH, lease=60
        )
        assert claim is not None
        await board.attempts.release_runs([run])
        with pytest.raises(LeaseLost):
            await board.attempts.complete(claim.attempt)
        return []

    assert project.on_board(work) == []
