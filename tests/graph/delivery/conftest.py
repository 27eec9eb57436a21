"""A project whose work becomes pull requests: a bare remote, and GitHub's stand-in before it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from neveridle import Team
from neveridle.board import Task
from neveridle.tools.standin.github import GitHubStandin

TOKEN = "ghp_of_the_test_0123456789abcdef"
LONG = 100_000.0
"""Seconds after which every wait for a pull request is over."""


class Hub:
    """GitHub with the remote behind it, as a person sees them.

    Attributes:
        standin: GitHub.
        bare: the remote's repository.
    """

    def __init__(self, standin: GitHubStandin, bare: Path) -> None:
        self.standin = standin
        self.bare = bare

    def git(self, *arguments: str) -> str:
        """What git says of the remote."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        done = subprocess.run(
            ["git", "--git-dir", str(self.bare), *arguments],
            env=env, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def head(self, branch: str) -> str:
        """The commit of a branch there."""
        return self.git("rev-parse", f"refs/heads/{branch}")

    def shows(self, path: str, branch: str = "main") -> str:
        """A file there."""
        return self.git("show", f"refs/heads/{branch}:{path}")

    def asked(self, what: str) -> int:
        """How many requests there were, such as ``POST /repos/octo/demo/pulls``."""
        with self.standin.lock:
            return sum(str(one) == what for one in self.standin.requests)

    def checks(self, number: int, conclusion: str | None = "success", **said: Any) -> None:
        """Report on the head of a pull request."""
        with self.standin.lock:
            pull = self.standin.state.pull(number)
            self.standin.state.check(pull.sha, "ci", conclusion, **said)

    def review(self, number: int, event: str, body: str = "", **more: Any) -> None:
        """Review, as a person."""
        with self.standin.lock:
            self.standin.state.review(number, event, body, user="ada", **more)

    @staticmethod
    async def step(team: Team, *, after: float = LONG, ticks: int = 1) -> Any:
        """Let time pass, then one agent tick."""
        await team.board.clock.advance(after)
        await team.keeper.sweep()
        return await team.run(until="idle", ticks=ticks)

    @staticmethod
    async def opened(team: Team, title: str = "Fix") -> Task:
        """A task whose pull request was opened."""
        task = await team.dispatch("sam", title)
        report = await team.run(until="idle", ticks=1)
        assert report.endings == {"parked": 1}, report
        return await team.board.tasks.get(task.id)


@pytest.fixture
def bare(project: Any, tmp_path: Path) -> Path:
    """The remote of the project's repository."""
    path = tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(path)], check=True)
    project.git("remote", "add", "origin", str(path))
    project.git("push", "-q", "origin", "main")
    return path


@pytest.fixture
def hub(project: Any, bare: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Hub]:
    """GitHub, and a project that delivers to it; agents may merge what is approved."""
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    with GitHubStandin(git=bare, token=TOKEN) as standin:
        project.use(
            "services", github={"url": standin.url, "repository": "octo/demo", "timeout": 10.0}
        )
        project.use("delivery", mode="pull_request", pull_request_merge=True)
        yield Hub(standin, bare)
