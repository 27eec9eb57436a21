"""A live run becomes a recorded task, and its replay comes to the same."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board, NewTask, Source
from neveridle.errors import RecordingInvalid, StageTaken
from neveridle.evals.record import record_task
from neveridle.evals.recorded_task import load_task
from neveridle.settings import Settings

Project = Callable[..., Settings]


def put(settings: Settings, *tasks: NewTask) -> None:
    """Put tasks on the project's own board; ``after`` counts them from 1."""

    async def work() -> None:
        settings.home.mkdir(parents=True, exist_ok=True)
        async with Board(settings.board_url) as board:
            for one in tasks:
                await board.tasks.add(one)

    asyncio.run(work())


def test_a_run_is_recorded_and_its_replay_holds(
    project: Project, writer: Any, tmp_path: Path
) -> None:
    settings = project()
    put(
        settings,
        NewTask(source=Source.DISPATCH, title="Write note one", assignee="ada"),
        NewTask(source=Source.BACKLOG, title="Write note two", after=(1,)),
        NewTask(source=Source.BACKLOG, title="Write note three"),
    )

    found = record_task(settings, tmp_path / "task")
    asked = len(writer.requests)
    task = load_task(tmp_path / "task")

    assert found.replay is not None
    assert found.holds, (found.replay.trouble, [s for s in found.replay.scores if not s.passed])
    assert asked == found.model_calls >= 9
    assert [(one.source, one.title, one.after) for one in task.tasks] == [
        ("dispatch", "Write note one", ()),
        ("backlog", "Write note two", ("Write note one",)),
        ("backlog", "Write note three", ()),
    ]
    told = tomllib.loads((tmp_path / "task" / "task.toml").read_text(encoding="utf-8"))["expect"]
    print(json.dumps(told, indent=1))
    print((tmp_path / "task" / "neveridle.toml").read_text())
    print((tmp_path / "task" / "task.toml").read_text())
    print(found.as_dict())
