"""A stand-in for a service, and attempts that write to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Attempt, Board, Claim, NewTask, Source
from neveridle.tools.standin import StandinClient, StandinServer, StandinStore


@pytest.fixture
def board_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty board: on SQLite, and on both where a test asks for it.

    A database on PostgreSQL is a second's work, and what runs on both is the same SQL.
    """
    return str(request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url"))


@pytest.fixture
def standin(tmp_path: Path) -> Generator[StandinServer]:
    """The server, in a thread."""
    with StandinServer(tmp_path / "standin.db") as server:
        yield server


@pytest.fixture
def store(standin: StandinServer) -> StandinStore:
    """What the service holds."""
    return standin.store


@pytest.fixture
async def client(standin: StandinServer) -> AsyncGenerator[StandinClient]:
    """Its verbs."""
    async with StandinClient(standin.url) as opened:
        yield opened


@pytest.fixture
async def attempt(
    add: Callable[..., Awaitable[object]], take: Callable[..., Awaitable[Claim]]
) -> Attempt:
    """An attempt at task 1."""
    await add()
    return (await take()).attempt


@pytest.fixture
def taken_over(
    board: Board, take: Callable[..., Awaitable[Claim]]
) -> Callable[..., Awaitable[Attempt]]:
    """Lets an hour pass, so that another run takes the task over."""

    async def over(run: str = "run-2") -> Attempt:
        await board.clock.advance(3600)
        await board.sweep()
        return (await take(run=run)).attempt

    return over


@pytest.fixture
def claimed() -> Callable[[str], Awaitable[Attempt]]:
    """Puts a task on a board whose time is real, and claims it."""

    async def make(url: str) -> Attempt:
        async with Board(url) as board:
            await board.tasks.add(NewTask(source=Source.BACKLOG, title="work"))
            claim = await board.attempts.claim(
                agent="sam", run="run-1", skills=[], source=Source.BACKLOG, lease=600
            )
            assert claim is not None
            return claim.attempt

    return make


class Driver:
    """Processes that perform effects; see ``drive.py``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._said: dict[int, dict[str, Any]] = {}

    def start(self, **asked: Any) -> int:
        """Begin one; its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        while True:
            pid, said = self._read()
            if said.get("begun"):
                return pid

    def _read(self) -> tuple[int, dict[str, Any]]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the driver ended"
        said = json.loads(line)
        self._said.setdefault(said["pid"], {}).update(said)
        return said["pid"], said

    def wait(self, pid: int, what: str = "ended") -> dict[str, Any]:
        """What a process said, once it has ``ended``, or ``stopped``."""
        while what not in self._said.get(pid, {}):
            assert "ended" not in self._said.get(pid, {}), self._said[pid]
            self._read()
        return self._said[pid]

    def do(self, **asked: Any) -> dict[str, Any]:
        """Begin one and wait for its end."""
        return self.wait(self.start(**asked))


@pytest.fixture(scope="session")
def driver() -> Generator[Driver]:
    """One process from which all others fork."""
    command = [sys.executable, "-P", str(Path(__file__).with_name("drive.py"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Driver(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=10)
