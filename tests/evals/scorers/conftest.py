"""Outcomes made by hand."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Event, Task
from neveridle.board.task import Priority, Source, TaskState
from neveridle.evals import Played, ScoreLine, score
from neveridle.evals.expectations import Expectations
from neveridle.graph.report import AttemptLine, RunReport


@pytest.fixture
def task_row() -> Callable[..., Task]:
    def make(title: str, state: str = "completed", number: int = 1) -> Task:
        return Task(
            id=number, source=Source.DISPATCH, ref=None, ticket="", title=title, description="",
            priority=Priority.NORMAL, assignee=None, state=TaskState(state), waiting_on="",
            waiting_until=None, blocked_owner="", blocked_action="", skills=(), services=(),
            acceptance=(), needs_change=True, budget={}, open_blockers=0, unblocks=0, fence=1,
            failures=0, continues=None, handoff=None, created_at=0.0, updated_at=0.0,
            completed_at=None,
        )  # fmt: skip

    return make


@pytest.fixture
def event() -> Callable[..., Event]:
    def make(kind: str, task: int | None = 1, **data: Any) -> Event:
        return Event(1, 0.0, kind, "kim", "run", task, 1, data)

    return make


@pytest.fixture
def made(tmp_path: Path, task_row: Callable[..., Task]) -> Callable[..., Played]:
    """A run in which one task was completed."""

    def make(**changes: Any) -> Played:
        lines = [
            AttemptLine(agent="kim", task=1, title="A", rung="dispatch", ending=ending, path=())
            for ending in ("failed", "completed")
        ]
        base: dict[str, Any] = {
            "folder": tmp_path, "repository": tmp_path / "code",
            "report": RunReport(attempts=lines), "tasks": [task_row("A")],
            "events": [], "handoffs": [], "learnings": 0, "lessons": [],
            "proven": 0, "before": {}, "after": {}, "roadmap": "", "seconds": 1.0,
            "provenance": "authored", "sandbox": "none", "titles": {1: "A"},
        }  # fmt: skip
        return Played(**{**base, **changes})

    return make


@pytest.fixture
def held(made: Callable[..., Played]) -> Callable[..., list[str]]:
    """The names of the lines that do not hold, for expectations as in ``task.toml``."""

    def look(expect: dict[str, Any], played: Played | None = None, **more: Any) -> list[str]:
        lines = look_at(expect, played, **more)
        return [one.name for one in lines if not one.passed]

    def look_at(
        expect: dict[str, Any], played: Played | None = None, **more: Any
    ) -> list[ScoreLine]:
        return score(played or made(), Expectations.model_validate(expect), **more)

    return look


@pytest.fixture
def repository(tmp_path: Path) -> Callable[[str, dict[str, str | None]], None]:
    """Commits files to ``code``; None removes one."""
    folder = tmp_path / "code"

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=kim", "-c", "user.email=kim@example.invalid")
        subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, timeout=60)

    def commit(message: str, files: dict[str, str | None]) -> None:
        if not folder.exists():
            folder.mkdir()
            git("init", "--quiet", "--initial-branch", "main")
        for name, text in files.items():
            path = folder / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        git("add", "--all")
        git("commit", "--quiet", "--message", message)

    return commit
