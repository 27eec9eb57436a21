"""Boards on both databases, and attempts at tasks on them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from neveridle.board import Attempt, Board, NewTask, Source
from neveridle.board.schema import memories

START = 1_000_000.0


@pytest.fixture
def sqlite_url(tmp_path: Path, board_template: Path) -> str:
    """The URL of an empty board on SQLite."""
    shutil.copy(board_template, tmp_path / "b.db")
    return f"sqlite:///{tmp_path / 'b.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def board_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty board."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def board(board_url: str) -> AsyncGenerator[Board]:
    """An open, empty board whose time is scripted."""
    async with Board(board_url) as opened:
        await opened.clock.script(START)
        yield opened


@pytest.fixture
def attempt(board: Board) -> Callable[..., Awaitable[Attempt]]:
    """Claims a new task, or once more one that is pending."""

    async def claim(agent: str = "sam", *, new: bool = True) -> Attempt:
        if new:
            await board.tasks.add(NewTask(source=Source.BACKLOG, title="work"))
        won = await board.attempts.claim(
            agent=agent, run=f"run-{agent}", skills=(), source=Source.BACKLOG, lease=60.0
        )
        assert won is not None
        return won.attempt

    return claim


@pytest.fixture
def everything(board: Board) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    """All rows of memory with all columns but the revision, in order."""

    async def read() -> list[dict[str, Any]]:
        columns = [column for column in memories.c if column.name != "revision"]
        query = select(*columns).order_by(memories.c.id)
        return await board.database.read(
            lambda c: [dict(row) for row in c.execute(query).mappings()]
        )

    return read
