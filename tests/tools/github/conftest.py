"""GitHub's stand-in, a client of it, and an attempt that writes to it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Attempt, Board, NewTask, Source
from neveridle.settings.services import GitHubSettings
from neveridle.tools.effects import Performer, Verb
from neveridle.tools.github import GitHub, github_verbs
from neveridle.tools.services import ServiceKit
from neveridle.tools.standin.github import GitHubStandin

START = 1_700_000_000.0
TOKEN = "github_pat_0123456789abcdefghij"


@pytest.fixture
def standin() -> Generator[GitHubStandin]:
    """GitHub, at a fixed time."""
    with GitHubStandin(token=TOKEN, now=lambda: START) as one:
        yield one


@pytest.fixture(scope="session")
def empty_board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty board's file: copying it is quicker than making it each time."""
    path = tmp_path_factory.mktemp("github") / "board.db"

    async def make() -> None:
        async with Board(f"sqlite:///{path}"):
            pass

    asyncio.run(make())
    return path


@pytest.fixture
async def board(tmp_path: Path, empty_board: Path) -> AsyncGenerator[Board]:
    """A board whose time stands still until it is advanced."""
    shutil.copy(empty_board, tmp_path / "board.db")
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as one:
        await one.clock.script(START)
        yield one


@pytest.fixture
async def connect(board: Board, standin: GitHubStandin) -> AsyncGenerator[Callable[..., GitHub]]:
    """Makes clients, with settings; they are closed at the end."""
    made: list[GitHub] = []

    def get(**settings: Any) -> GitHub:
        given: dict[str, Any] = {"url": standin.url, "repository": standin.repository, **settings}
        kit = ServiceKit(board.breakers, board.clock, {"GITHUB_TOKEN": TOKEN})
        made.append(GitHub.connect(GitHubSettings(**given), kit))
        return made[-1]

    yield get
    for one in made:
        await one.aclose()


@pytest.fixture
def github(connect: Callable[..., GitHub]) -> GitHub:
    """A client with the usual settings."""
    return connect()


@pytest.fixture
def verbs(github: GitHub) -> dict[str, Verb]:
    """Its verbs by name."""
    return {verb.name: verb for verb in github_verbs(github)}


@pytest.fixture
def claim(board: Board) -> Callable[..., Awaitable[Attempt]]:
    """Puts a task on the board and claims it."""

    async def make(agent: str = "sam", ticket: str = "") -> Attempt:
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="work", ticket=ticket))
        taken = await board.attempts.claim(
            agent=agent, run="run-1", skills=[], source=Source.BACKLOG, lease=6000
        )
        assert taken is not None
        return taken.attempt

    return make


@pytest.fixture
async def performer(board: Board, claim: Callable[..., Awaitable[Attempt]]) -> Performer:
    """Performs effects for an attempt."""
    return Performer(board, await claim())


@pytest.fixture
def turn(board: Board) -> Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]:
    """Awaits something while the board's time runs; for what waits, and has no time limit."""

    async def run(work: Coroutine[Any, Any, Any]) -> Any:
        job = asyncio.ensure_future(work)
        while not job.done():
            await asyncio.wait([job], timeout=0.01)
            if not job.done():
                await board.clock.advance(3)
        return await job

    return run
