"""A stand-in for a service, and attempts that write to it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path

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
