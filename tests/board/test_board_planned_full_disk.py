"""A disk that is full by plan: all of a board's ways to write fail, and work again afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board, NewTask, Source
from neveridle.errors import DiskFull


async def test_no_way_of_writing_finds_space_until_there_is_some(tmp_path: Path) -> None:
    big = "x" * 40_000
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as board:
        database: Any = board.database
        await database.leave_pages(0)
        with pytest.raises(DiskFull):
            await board.events.append("x.y", {"big": big})
        with pytest.raises(DiskFull):
            await board.messages.post("dev", "sam", big)
        with pytest.raises(DiskFull):
            await board.tasks.add(NewTask(source=Source.BACKLOG, title="t", description=big))
        await database.leave_pages(None)
        await board.events.append("x.y", {"big": big})
        await board.messages.post("dev", "sam", big)
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="t", description=big))
        assert len(await board.tasks.find()) == 1
