"""A client of Linear's, and the stand-in it talks to over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from neveridle.board import Attempt, Board, NewTask, Source
from neveridle.settings.services import LinearSettings
from neveridle.tools.linear import Linear
from neveridle.tools.services import ServiceKit
from neveridle.tools.standin.linear import LinearStandin

TOKEN = "lin_api_of_the_test"


@pytest.fixture
def standin() -> Generator[LinearStandin]:
    with LinearStandin(token=TOKEN) as one:
        yield one


@pytest.fixture
async def board(tmp_path: Path) -> AsyncGenerator[Board]:
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as one:
        yield one


@pytest.fixture
def settings(standin: LinearStandin) -> LinearSettings:
    return LinearSettings(url=standin.url, team="AGT", attempts=1, breaker_threshold=50)


@pytest.fixture
async def client(board: Board, settings: LinearSettings) -> AsyncGenerator[Linear]:
    kit = ServiceKit(board.breakers, board.clock, {"LINEAR_API_KEY": TOKEN})
    one = Linear.connect(settings, kit)
    yield one
    await one.aclose()


@pytest.fixture
async def attempt(board: Board, standin: LinearStandin) -> Attempt:
    """Sam's attempt at a task whose ticket is AGT-1."""
    ref = standin.store.add("Add a page", labels=["python"])
    task = NewTask(source=Source.BACKLOG, title="Add a page", ticket=ref, ref=f"linear:{ref}")
    await board.tasks.add(task)
    run = await board.runs.start("sam", role="backend", skills=[])
    won = await board.attempts.claim(
        agent="sam", run=run, skills=[], source=Source.BACKLOG, lease=3600
    )
    assert won is not None
    return won.attempt
