"""A clone to look at: a real repository, real commands, real branches."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from neveridle.graph.sources.improvement import FinderContext
from neveridle.settings import SandboxSettings
from neveridle.tools.sandbox import CommandResult, UnconfinedSandbox
from neveridle.tools.workspace import BranchInfo, Workspaces

NOW = 1_800_000_000.0
DAY = 86_400.0


@dataclass
class Clone:
    """A ``Checkout`` over a repository in a temporary folder; counts the commands."""

    tree: Path
    home: Path
    commands: list[str] = field(default_factory=list[str])

    async def run(self, command: str) -> CommandResult:
        self.commands.append(command)
        settings = SandboxSettings.model_validate({"timeout": 60})
        sandbox = UnconfinedSandbox(settings, toolchains=[Path(sys.prefix)])
        return await sandbox.run(command, tree=self.tree)

    async def branches(self) -> Sequence[BranchInfo]:
        spaces = Workspaces(self.tree, self.home, branch="main")
        await spaces.open()
        return await spaces.branches()

    def write(self, path: str, text: str | bytes) -> None:
        full = self.tree / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(text if isinstance(text, bytes) else text.encode())

    def git(self, *words: str, days_ago: float = 0) -> str:
        date = f"{int(NOW - days_ago * DAY)} +0200"
        identity = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "Test"), ("EMAIL", "test@example.org"), ("DATE", date))
        }
        hermetic = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", "-C", str(self.tree), *words],
            env={**os.environ, **identity, **hermetic},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, days_ago: float = 0) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "change", days_ago=days_ago)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    tree = tmp_path / "a tree"
    tree.mkdir()
    made = Clone(tree, tmp_path / "home")
    made.git("init", "--quiet", "--initial-branch", "main")
    made.commit(days_ago=400)
    return made


@pytest.fixture
def context(clone: Clone) -> Callable[..., FinderContext]:
    def make(
        *,
        checks: dict[str, str] | None = None,
        lint: str = "",
        stale_days: float = 7,
        own_prefix: str = "neveridle/",
    ) -> FinderContext:
        return FinderContext(
            checkout=clone, checks=checks or {}, lint=lint, stale_days=stale_days, now=NOW,
            target_branch="main", own_prefix=own_prefix,
        )  # fmt: skip

    return make
