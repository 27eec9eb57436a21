"""Guarded calls of a service that is told how to answer, on a scripted clock."""

from __future__ import annotations

import asyncio
import inspect
import shutil
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.tools.resilience import Guard
from neveridle.tools.resilience.testing import ScriptedTime


class Service:
    """Answers what it is told, one thing after the other; then "fine".

    Attributes:
        answers: what it raises, awaits or returns.
        asked: at which times it was called.
    """

    def __init__(self, time: ScriptedTime) -> None:
        self.answers: list[Any] = []
        self.asked: list[float] = []
        self._time = time

    async def __call__(self) -> str:
        self.asked.append(await self._time.now())
        answer = self.answers.pop(0) if self.answers else "fine"
        if isinstance(answer, BaseException):
            raise answer
        if inspect.iscoroutinefunction(answer):
            return str(await answer())
        return str(answer)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty board's file: copying it is quicker than migrating each time."""
    path = tmp_path_factory.mktemp("template") / "board.db"

    async def make() -> None:
        async with Board(f"sqlite:///{path}"):
            pass

    asyncio.run(make())
    return path


@pytest.fixture
async def board(tmp_path: Path, migrated: Path) -> AsyncGenerator[Board]:
    shutil.copy(migrated, tmp_path / "board.db")
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as one:
        yield one


@pytest.fixture
async def time(board: Board) -> AsyncGenerator[ScriptedTime]:
    async with ScriptedTime(board) as one:
        yield one


@pytest.fixture
def service(time: ScriptedTime) -> Service:
    return Service(time)


@pytest.fixture
def make_guard(board: Board, time: ScriptedTime) -> Callable[..., Guard]:
    """Makes a guard of "linear"; its keywords are those of ``Guard``."""

    def make(**more: Any) -> Guard:
        return Guard("linear", board.breakers, time, chance=time.chance, **more)

    return make


@pytest.fixture
def guard(make_guard: Callable[..., Guard]) -> Guard:
    return make_guard()
