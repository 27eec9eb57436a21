"""A small repository with a team, and the command line run on it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from neveridle.board import Board
from neveridle.cli.app import run

T = TypeVar("T")

MAIN = "from neveridle.cli import main; main()"

CONFIG = """\
[team]
name = "testers"

[checks]
tests = "python -m unittest discover -q -s tests"

[improvement]
enabled = false

[memory]
enabled = false
"""
SAM = "---\nrole: backend\nskills: [python, backend]\n---\n\nYou are SAM, who works on the logic.\n"
LEO = "---\nrole: frontend\nskills: [html, frontend]\n---\n\nYou are LEO, who works on the pages.\n"
ADDITION = "def add(a, b):\n    return a + b\n"
TESTS = """\
import unittest

from addition import add


class AddTest(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(1, 2), 3)
"""


@dataclass(frozen=True)
class Ended:
    """How one command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, which must be one JSON document."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Project:
    """A repository with a team of two, SAM and LEO."""

    folder: Path

    @property
    def board_file(self) -> Path:
        return self.folder / ".neveridle" / "board.db"

    def git(self, *arguments: str) -> str:
        """Run git in the repository."""
        return git(self.folder, *arguments)

    def configure(self, more: str) -> None:
        """Add tables to the configuration."""
        path = self.folder / "neveridle.toml"
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{more}", encoding="utf-8")

    def on_board(self, work: Callable[[Board], Awaitable[T]]) -> T:
        """What ``work`` returns, given the open board."""

        async def whole() -> T:
            async with Board(f"sqlite:///{self.board_file}") as board:
                return await work(board)

        return asyncio.run(whole())

    def record(self, task: str, *steps: tuple[str, Mapping[str, Any]]) -> None:
        """Make a recording the model: one call of a tool in each step of the task's work."""
        self.record_all({task: steps})

    def record_all(self, tasks: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]]) -> None:
        """The same for several tasks."""
        header = {
            "format": "neveridle-recording",
            "version": 1,
            "provenance": {"kind": "authored", "model": "authored"},
        }
        lines: list[Any] = [header]
        lines += [
            {
                "task": task,
                "step": number,
                "tool_calls": [{"name": name, "args": dict(values)}],
                "usage": {"input_tokens": 10, "output_tokens": 5},
            }
            for task, steps in tasks.items()
            for number, (name, values) in enumerate(steps, start=1)
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (self.folder / "recording.jsonl").write_text(text, encoding="utf-8")
        self.configure('[model]\ndefault = "replay:recording.jsonl"\n')


def git(folder: Path, *arguments: str) -> str:
    """Run git as nobody in particular, and without anybody's configuration."""
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    who = ("-c", "user.name=Tester", "-c", "user.email=tester@example.invalid")
    return subprocess.run(
        ["git", *who, *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
    ).stdout.strip()


@pytest.fixture
def make_repository() -> Callable[[Path, Mapping[str, str]], Path]:
    """Make a git repository with one commit of these files; without files there is no commit."""

    def make(folder: Path, files: Mapping[str, str]) -> Path:
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet", "--initial-branch=main")
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if files:
            git(folder, "add", "--all")
            git(folder, "commit", "--quiet", "--message", "Begin")
        return folder

    return make


@pytest.fixture
def project(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_repository: Callable[[Path, Mapping[str, str]], Path],
) -> Project:
    """The repository, which is the current folder for the test."""
    folder = make_repository(
        tmp_path / "a team's föld",
        {
            "addition.py": ADDITION,
            "tests/test_addition.py": TESTS,
            "neveridle.toml": CONFIG,
            "agents/sam.md": SAM,
            "agents/leo.md": LEO,
        },
    )
    for name in list(os.environ):
        if name.startswith("NEVERIDLE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(folder)
    return Project(folder)


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Run one command line in this process."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")

    def call(*line: str) -> Ended:
        capfd.readouterr()
        code = run(line)
        out, err = capfd.readouterr()
        return Ended(code, out, err)

    return call


@pytest.fixture
def start() -> Generator[Callable[..., subprocess.Popen[str]]]:
    """Start one command line in a process of its own, with a group of its own."""
    started: list[subprocess.Popen[str]] = []

    def begin(folder: Path, *line: str, program: str = MAIN) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", program, *line],
            cwd=folder,
            env={**os.environ, "COLUMNS": "80"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with process:  # closes its pipes, and waits
            process.kill()
