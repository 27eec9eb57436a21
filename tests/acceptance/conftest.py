"""Real processes, and what they leave behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

DRIVER = Path(__file__).with_name("drive.py")


def write_settings(project: Any) -> None:
    """For the processes; one that starts just now reads the old ones or the new ones."""
    fresh = project.root / "settings.new"
    fresh.write_text(json.dumps(project.settings), "utf-8")
    fresh.replace(project.root / "settings.json")


@pytest.fixture(params=["sqlite", "postgres"])
def project(request: pytest.FixtureRequest, make_project: Callable[[str], Any]) -> Any:
    """A small project with one agent, sam, and nothing to do yet; on either database."""
    made = make_project("ein Projekt")
    if request.param == "postgres":
        made.use("team", board=request.getfixturevalue("postgres_url"))
    return made


@pytest.fixture
def start(project: Any) -> Generator[Callable[[], subprocess.Popen[str]]]:
    """Starts a process that runs the project's team; none outlives the test."""
    started: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        write_settings(project)
        command = [sys.executable, "-P", str(DRIVER), str(project.root)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


class Child:
    """A process that runs a project's team.

    Attributes:
        pid: its id.
    """

    def __init__(self, root: Path, pid: int) -> None:
        self.pid = pid
        self._root = root

    @property
    def code(self) -> int | None:
        """How it ended; None: it has not."""
        ended = self._root / f"ended-{self.pid}"
        return int(ended.read_text("ascii")) if ended.exists() else None

    @property
    def said(self) -> str:
        """What it printed: a report, or errors."""
        return (self._root / f"said-{self.pid}").read_text("utf-8")

    @property
    def report(self) -> dict[str, Any]:
        """What it did, once it has ended by itself."""
        assert self.code == 0, self.said
        report: dict[str, Any] = json.loads(self.said.splitlines()[-1])
        return report

    @property
    def stopped(self) -> bool:
        """Whether it was stopped, and nobody has gone on with it."""
        state = Path(f"/proc/{self.pid}/stat").read_text("ascii", "replace")
        return state.rpartition(")")[2].split()[0] == "T"

    @property
    def lost(self) -> bool:
        """Whether it has noticed that it lost its task."""
        return (self._root / f"lost-{self.pid}").exists()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        until = time.monotonic() + 120
        while (code := self.code) is None:
            assert time.monotonic() < until, self.said
            time.sleep(0.005)
        return code


@pytest.fixture(scope="session")
def server() -> Generator[subprocess.Popen[str]]:
    """A process that forks runs on request."""
    command = [sys.executable, "-P", str(DRIVER), "--serve"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=10)


@pytest.fixture
def fork(project: Any, server: subprocess.Popen[str]) -> Generator[Callable[..., Child]]:
    """Runs the project's team in a process, to an edge if one is named."""
    begun: list[Child] = []

    def begin(edge: str = "") -> Child:
        write_settings(project)
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps({"root": str(project.root), "edge": edge}) + "\n")
        server.stdin.flush()
        begun.append(Child(project.root, int(server.stdout.readline())))
        return begun[-1]

    yield begin
    for child in begun:
        child.signal(signal.SIGKILL)
        child.wait()


@pytest.fixture
def run_and_die(fork: Callable[..., Child]) -> Callable[[str], int]:
    """Runs the project's team in a process that dies at an edge; its exit code."""

    def run(edge: str) -> int:
        child = fork(edge)
        code = child.wait()
        if code != -9:
            sys.stderr.write(child.said)  # an edge that was not reached: what came instead
        return code

    return run


def sessions(url: str) -> list[tuple[Any, ...]]:
    """What others do in a database just now, and the advisory locks there."""
    with psycopg.connect(url, autocommit=True) as other:
        return other.execute(
            "SELECT pid, state, query FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " UNION ALL SELECT l.pid, 'advisory lock', '' FROM pg_locks l JOIN pg_database d"
            " ON d.oid = l.database WHERE locktype = 'advisory' AND datname = current_database()"
        ).fetchall()


def processes(root: Path) -> list[str]:
    """The command lines of processes that have to do with a folder, git's and commands'."""
    found: list[str] = []
    needle = str(root).encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes()
            if needle in line or needle in (folder / "environ").read_bytes():
                found.append(line.replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


@pytest.fixture
def quiet(project: Any) -> Callable[[], Awaitable[None]]:
    """Waits until nothing goes on behind a process that was killed: no git, no statement."""

    async def wait() -> None:
        url = str(project.settings["team"].get("board", ""))
        left: list[object] = []
        for _ in range(1000):
            left = [*processes(project.root), *(sessions(url) if url else [])]
            if not left:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(left)

    return wait


@pytest.fixture
def leaves_nothing(project: Any, quiet: Callable[[], Awaitable[None]]) -> Callable[[], Any]:
    """Asserts that of all that was begun nothing is left over, whoever died when."""

    async def check() -> None:
        await quiet()
        assert (project.clones, project.branches) == ([], [])
        assert not list((project.repo / ".git").rglob("*.lock"))
        assert not list((project.repo / ".git" / "worktrees").glob("*"))
        assert project.git("status", "--porcelain") == ""
        assert project.git("fsck", "--strict", "--no-dangling") == ""
        temporary = project.root / "tmp"
        assert not temporary.exists() or not list(temporary.iterdir())
        async with project.board() as board:
            assert await board.attempts.active() == []

    return check
