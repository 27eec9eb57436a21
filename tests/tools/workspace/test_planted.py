"""Code planted in a tree, or configured around it, never runs with our rights."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.tools.workspace import Workspace, Workspaces

HOOKS = (
    *("applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout"),
    *("post-commit", "post-index-change", "post-merge", "post-receive", "post-rewrite"),
    *("post-update", "pre-applypatch", "pre-auto-gc", "pre-commit", "pre-merge-commit"),
    *("pre-push", "pre-rebase", "pre-receive", "prepare-commit-msg", "proc-receive"),
    *("push-to-checkout", "reference-transaction", "sendemail-validate", "update"),
)


class Trap:
    """A script that leaves a trace when it runs, and ways to have it run."""

    def __init__(self, folder: Path) -> None:
        self.trace = folder / "trace"
        self.script = folder / "planted.sh"
        self.script.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{self.trace}'\ncat\n")
        self.script.chmod(0o755)

    @property
    def ran(self) -> str:
        return self.trace.read_text() if self.trace.exists() else ""

    def config(self) -> str:
        run = f'"{self.script}"'
        return f"""
[core]
    fsmonitor = {run}
    hooksPath = {self.script.parent / "hooks"}
    sshCommand = {run}
    pager = {run}
    editor = {run}
    alternateRefsCommand = {run}
[filter "evil"]
    clean = {run}
    smudge = {run}
    process = {run}
    required = true
[filter "evil.with.dots"]
    clean = {run}
    smudge = {run}
[diff "evil"]
    textconv = {run}
    command = {run}
[diff]
    external = {run}
[merge "evil"]
    driver = {run}
[uploadpack]
    packObjectsHook = {run}
[credential]
    helper = {run}
[gpg]
    program = {run}
[commit]
    gpgSign = true
[alias]
    status = !{run}
"""

    def hooks(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in HOOKS:
            (folder / name).write_text(self.script.read_text())
            (folder / name).chmod(0o755)

    def repository(self, folder: Path, *, git_dir: str = ".git") -> None:
        """A real repository with a commit, and every trap set in it."""
        folder.mkdir(parents=True, exist_ok=True)
        env = {**os.environ, "GIT_DIR": git_dir, "GIT_WORK_TREE": "."}
        who = ("-c", "user.name=x", "-c", "user.email=x")
        (folder / "inner.txt").write_text("inner\n")
        for words in (["init", "-q"], ["add", "inner.txt"], [*who, "commit", "-qm", "x"]):
            subprocess.run(["git", *words], cwd=folder, env=env, check=True, capture_output=True)
        with (folder / git_dir / "config").open("a") as file:
            file.write(self.config())
        self.hooks(folder / git_dir / "hooks")


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    made = Trap(tmp_path)
    made.hooks(tmp_path / "hooks")
    return made


@pytest.fixture
def plant(trap: Trap, tmp_path: Path) -> Callable[[Path], None]:
    """Puts the traps into a tree; git is only run here, to make what is put."""

    def prepared(tree: Path) -> None:
        trap.repository(tree)
        trap.repository(tree / "sub")
        trap.repository(tree / "src")
        trap.repository(tree / "module")
        trap.repository(tree / "evil-git", git_dir="bare")
        (tree / "pointer").mkdir(exist_ok=True)
        (tree / "pointer" / ".git").write_text("gitdir: ../evil-git/bare\n")
        (tree / "linked").mkdir(exist_ok=True)
        (tree / "linked" / ".git").symlink_to("../evil-git/bare")
        (tree / "linked" / "file").write_text("x\n")
        (tree / "deep" / "er").mkdir(parents=True, exist_ok=True)
        trap.repository(tree / "deep" / "er")
        (tree / ".gitattributes").write_text(
            "* filter=evil diff=evil merge=evil\n*.py filter=evil.with.dots\n"
        )
        (tree / ".gitmodules").write_text(
            f'[submodule "module"]\n\tpath = module\n\turl = ./sub\n\tupdate = "!{trap.script}"\n'
        )
        (tree / "a.txt").write_text("changed\n")

    prepared(tmp_path / "prepared")
    trap.trace.unlink(missing_ok=True)

    number = itertools.count()

    def planted(tree: Path) -> None:
        (tree / "linked" / ".git").unlink(missing_ok=True)
        shutil.copytree(tmp_path / "prepared", tree, symlinks=True, dirs_exist_ok=True)
        (tree / "a.txt").write_text(f"changed {next(number)}\n")

    return planted


@pytest.fixture
def with_submodule(repo: Any) -> None:
    """The repository has a real submodule entry, and names filters in its own configuration."""
    commit = repo.git("rev-parse", "HEAD")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},module")
    repo.git("commit", "-qm", "A submodule")
    (repo.path / "module").mkdir()


@pytest.fixture
async def spaces(
    repo: Any,
    home: Path,
    with_submodule: None,
    plant: Callable[[Path], None],
    trap: Trap,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Workspaces:
    """Traps also lie in the person's own configuration, and in the environment."""
    with (repo.path / ".git" / "config").open("a") as file:
        file.write(trap.config())
    trap.hooks(repo.path / ".git" / "hooks")
    (tmp_path / "person").mkdir()
    (tmp_path / "person" / ".gitconfig").write_text(trap.config())
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(trap.script))
    monkeypatch.setenv("GIT_SSH_COMMAND", str(trap.script))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    made = Workspaces(repo.path, home)
    await made.open()
    return made


def test_the_traps_do_work(plant: Callable[[Path], None], trap: Trap, tmp_path: Path) -> None:
    """Or the tests below would prove nothing."""
    tree = tmp_path / "tree"
    tree.mkdir()
    plant(tree)
    for folder in (tree, tree / "sub", tree / "pointer"):
        trap.trace.unlink(missing_ok=True)
        subprocess.run(["git", "status"], cwd=folder, check=False, capture_output=True)
        assert trap.ran
        trap.trace.unlink()
        subprocess.run(["git", "add", "-A"], cwd=folder, check=False, capture_output=True)
        assert trap.ran


async def test_nothing_planted_runs_in_any_of_our_calls(
    repo: Any,
    spaces: Workspaces,
    plant: Callable[[Path], None],
    trap: Trap,
    files: Callable[[Path], dict[str, str]],
) -> None:
    who: dict[str, Any] = {"author": "Sam", "email": "sam@example.org"}
    base = await spaces.head()
    work = await spaces.create("1", branch="b")

    async def everything(work: Workspace) -> str:
        plant(work.tree)
        assert await work.head()
        assert not await work.status_clean()
        plant(work.tree)
        assert "a.txt" in await work.changed_files(base)
        assert "changed" in await work.diff(base)
        await work.checkout_paths(base, ["src", "never"])
        await work.write("b.txt", "x")
        assert await work.read("b.txt") == "x"
        plant(work.tree)
        commit = await work.commit("Work", **who)
        assert commit is not None
        assert trap.ran == ""
        return commit

    first = await everything(work)
    assert await work.publish_branch() == first
    plant(work.tree)
    taken = await spaces.adopt("1", "2", branch="b2")
    assert taken is not None
    assert trap.ran == ""
    await taken.write("a.txt", "changed again\n")
    await everything(taken)
    other = await spaces.create("3", branch="other")
    await other.write("elsewhere.txt", "x\n")
    await other.commit("Other", **who)
    await other.publish_branch()
    plant(taken.tree)
    await taken.commit("More", **who)
    assert (await taken.merge("other", message="Merge", **who)).ok
    assert (await taken.fast_forward_target(expect=base)).result == "done"
    assert await spaces.head() == await taken.head()
    assert not await spaces.dirty()
    assert await spaces.branches()
    assert await spaces.read_at(base, "a.txt")
    assert await spaces.is_merged(first)
    assert await spaces.delete_branch("b", expect=first)
    assert (await spaces.find("2")) is not None
    assert spaces.head_hint() == await spaces.head()
    # Once more, now that .gitattributes has arrived in the person's own tree.
    again = await spaces.create("4", branch="again")
    await again.write("src/app.py", "print('bye')\n")
    await again.commit("Again", **who)
    assert (await again.fast_forward_target(expect=again.base)).result == "done"
    for key in await spaces.keys():
        await spaces.remove(key)

    assert trap.ran == ""
    assert files(repo.path)["src/app.py"] == "print('bye')\n"


async def test_a_repository_inside_the_tree_is_committed_as_plain_files(
    repo: Any, spaces: Workspaces, plant: Callable[[Path], None]
) -> None:
    work = await spaces.create("1", branch="b")
    plant(work.tree)

    commit = await work.commit("Work", author="Sam", email="sam@example.org")

    assert commit is not None
    assert [p for p in work.tree.rglob("*") if p.name == ".git"] == []
    entries = set(await work.changed_files(work.base))
    assert {"sub/inner.txt", "src/inner.txt", "deep/er/inner.txt", "linked/file"} <= entries
    assert not any(".git/" in name or name.endswith("/.git") for name in entries)
    await work.publish_branch()
    rows = repo.git("ls-tree", "-r", commit).splitlines()
    assert [row.split("\t")[1] for row in rows if row.startswith("160000")] == ["module"]
