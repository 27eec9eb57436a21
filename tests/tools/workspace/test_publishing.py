"""What reaches the repository, and what never does."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import pytest

from neveridle.errors import RepositoryUnusable, StateConflict
from neveridle.tools.workspace import Workspace, Workspaces


class Author(TypedDict):
    author: str
    email: str


SAM: Author = {"author": "Sam", "email": "sam@example.org"}
Files = Callable[[Path], dict[str, str]]


async def worked(work: Workspace, **files: str) -> str:
    for name, text in (files or {"b__txt": "ours\n"}).items():
        await work.write(name.replace("__", "."), text)
    commit = await work.commit("Work", **SAM)
    assert commit is not None
    return commit


async def test_publishing_makes_and_moves_only_our_branch(
    repo: Any, spaces: Workspaces, work: Workspace, files: Files
) -> None:
    before = files(repo.path)
    first = await worked(work)
    assert await work.publish_branch() == first
    assert await work.publish_branch() == first
    second = await worked(work, c__txt="more\n")
    assert await work.publish_branch() == second

    assert repo.git("rev-parse", "neveridle/1-task") == second
    new = {n: t for n, t in files(repo.path).items() if "/objects/" not in n}
    del new[".git/refs/heads/neveridle/1-task"]
    assert new.pop(".git/logs/refs/heads/neveridle/1-task")
    assert new == {n: t for n, t in before.items() if "/objects/" not in n}


async def test_another_attempt_replaces_what_we_published(
    repo: Any, spaces: Workspaces, work: Workspace
) -> None:
    await worked(work)
    await work.publish_branch()
    again = await spaces.create("1-2", branch="neveridle/1-task")
    commit = await worked(again, other__txt="another way\n")

    assert await again.publish_branch() == commit
    assert repo.git("rev-parse", "neveridle/1-task") == commit


async def test_a_persons_commits_on_our_branch_are_left_alone(repo: Any, work: Workspace) -> None:
    await worked(work)
    await work.publish_branch()
    repo.git("checkout", "-q", "neveridle/1-task")
    persons = repo.commit(fix__txt="by a person\n")
    repo.git("checkout", "-q", "main")
    await worked(work, c__txt="more\n")

    with pytest.raises(StateConflict, match="is not ours"):
        await work.publish_branch()

    assert repo.git("rev-parse", "neveridle/1-task") == persons
    await work.merge("neveridle/1-task", message="Merge", **SAM)
    assert repo.git("rev-parse", "neveridle/1-task") == persons
    assert await work.publish_branch() == await work.head()


async def test_a_persons_branch_of_the_same_name_is_left_alone(repo: Any, work: Workspace) -> None:
    repo.git("checkout", "-q", "-b", "neveridle/1-task")
    persons = repo.commit(mine__txt="by a person\n")
    repo.git("checkout", "-q", "main")
    await worked(work)

    with pytest.raises(StateConflict):
        await work.publish_branch()

    assert repo.git("rev-parse", "neveridle/1-task") == persons


async def test_our_branch_checked_out_by_a_person_is_refused(repo: Any, work: Workspace) -> None:
    await worked(work)
    await work.publish_branch()
    repo.git("checkout", "-q", "neveridle/1-task")
    await worked(work, c__txt="more\n")

    with pytest.raises(RepositoryUnusable, match="checked out"):
        await work.publish_branch()

    assert repo.git("status", "--porcelain") == ""


async def test_the_target_is_never_published_to(spaces: Workspaces) -> None:
    work = await spaces.create("k", branch="main")
    await worked(work)

    with pytest.raises(StateConflict, match="target branch"):
        await work.publish_branch()


async def test_the_target_and_its_tree_follow(
    repo: Any, spaces: Workspaces, work: Workspace
) -> None:
    (work.tree / "src" / "app.py").unlink()
    repo.write("untracked.txt", "mine")
    commit = await worked(work, a__txt="ours\n", b__txt="ours\n")
    os.utime(repo.path / "a.txt", (1, 1))  # touched, but not changed

    result = await work.fast_forward_target(expect=work.base)

    assert (result.result, result.commit) == ("done", commit)
    assert await spaces.head() == commit
    assert repo.git("status", "--porcelain") == "?? untracked.txt"
    assert (repo.path / "a.txt").read_text() == "ours\n"
    assert not (repo.path / "src" / "app.py").exists()
    assert (await work.fast_forward_target(expect=work.base)).result == "done"


async def test_a_target_in_a_linked_worktree_follows_there(
    repo: Any, work: Workspace, tmp_path: Path
) -> None:
    repo.git("checkout", "-q", "-b", "elsewhere")
    linked = tmp_path / "linked tree"
    repo.git("worktree", "add", "-q", str(linked), "main")
    commit = await worked(work)

    (linked / "a.txt").write_text("dirty")
    assert (await work.fast_forward_target(expect=work.base)).files == ["a.txt"]
    (linked / "a.txt").write_text("one\ntwo\nthree\n")
    assert (await work.fast_forward_target(expect=work.base)).result == "done"

    assert repo.git("rev-parse", "main") == commit
    assert (linked / "b.txt").read_text() == "ours\n"
    assert not (repo.path / "b.txt").exists()


async def test_a_target_that_moved_is_left_alone(repo: Any, work: Workspace) -> None:
    persons = repo.commit(a__txt="theirs\n")
    await worked(work)

    result = await work.fast_forward_target(expect=work.base)

    assert (result.result, result.commit) == ("moved", persons)
    assert repo.git("rev-parse", "main") == persons
    with pytest.raises(ValueError, match="merge the target branch first"):
        await work.fast_forward_target(expect=persons)


async def test_of_many_at_once_one_moves_the_target(spaces: Workspaces, repo: Any) -> None:
    works = [await spaces.create(f"k{n}", branch=f"b{n}") for n in range(4)]
    for number, work in enumerate(works):
        await worked(work, **{f"f{number}": "x"})

    results = await asyncio.gather(*(w.fast_forward_target(expect=w.base) for w in works))

    assert sorted(r.result for r in results) == ["done", "moved", "moved", "moved"]
    assert repo.git("status", "--porcelain") == ""


@pytest.mark.parametrize("how", ["unstaged", "staged", "untracked", "rebase"])
async def test_a_dirty_tree_is_refused_untouched(
    repo: Any, work: Workspace, files: Files, how: str
) -> None:
    await worked(work, b__txt="ours\n", a__txt="ours\n")
    expected = ["a.txt"]
    if how == "untracked":
        repo.write("b.txt", "mine, not committed")
        expected = ["b.txt"]
    elif how == "rebase":
        (repo.path / ".git" / "rebase-merge").mkdir()
        repo.write(".git/rebase-merge/head-name", "refs/heads/main\n")
        expected = ["(a rebase of main is under way)"]
    else:
        repo.write("a.txt", "mine, not committed")
        if how == "staged":
            repo.git("add", "a.txt")
    before = files(repo.path)

    result = await work.fast_forward_target(expect=work.base)

    assert (result.result, result.files) == ("dirty", expected)
    assert {n: t for n, t in files(repo.path).items() if "/objects/" not in n} == {
        n: t for n, t in before.items() if "/objects/" not in n
    }


async def test_cancelling_does_not_tear_the_persons_tree(repo: Any, spaces: Workspaces) -> None:
    """Wherever it is cancelled, the target is moved with its tree, or neither is."""
    for turn in range(0, 24, 5):
        work = await spaces.create("k", branch="b")
        await worked(work, **{f"f{n}": f"{turn}" for n in range(50)})
        task = asyncio.create_task(work.fast_forward_target(expect=work.base))
        for _ in range(turn):
            await asyncio.sleep(0.002)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        assert repo.git("status", "--porcelain") == ""
        assert not list((repo.path / ".git").rglob("*.lock"))
        assert (await work.fast_forward_target(expect=work.base)).result == "done"


@pytest.mark.parametrize("how", ["merged", "published"])
async def test_what_arrives_in_the_repository_is_flushed_to_the_disk(
    repo: Any, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Told by git's own count of flushes; our git's environment is made anew, hence the PATH."""
    traced, program = tmp_path / "trace", shutil.which("git")
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin" / "git"
    wrapper.write_text(f'#!/bin/sh\nGIT_TRACE2_EVENT="{traced}" exec {program} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")
    spaces = Workspaces(repo.path, home)
    await spaces.open()
    work = await spaces.create("1-1", branch="neveridle/1-task")
    await work.write("new.txt", "new\n")
    await work.commit("Work", **SAM)
    traced.unlink()
    if how == "merged":
        await work.fast_forward_target(expect=await spaces.head())
    else:
        await work.publish_branch()
    events = [json.loads(line) for line in traced.read_text().splitlines()]
    names = {event["sid"]: event["name"] for event in events if event["event"] == "cmd_name"}
    flushed = {
        names[event["sid"]]
        for event in events
        if event.get("category") == "fsync" and int(event["value"]) > 0
    }
    assert {"unpack-objects", "receive-pack"} <= flushed


async def test_a_git_that_is_just_busy_there_is_waited_for(repo: Any, work: Workspace) -> None:
    commit = await worked(work)
    lock = repo.path / ".git" / "refs" / "heads" / "main.lock"
    lock.write_text("", encoding="utf-8")
    merging = asyncio.create_task(work.fast_forward_target(expect=work.base))
    await asyncio.sleep(0.3)
    assert not merging.done()

    lock.unlink()

    assert (await merging).result == "done"
    assert repo.git("rev-parse", "main") == commit


async def test_a_lock_that_a_dead_git_left_is_said(
    repo: Any, work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neveridle.tools.workspace.publishing.HELD_SECONDS", 0.1)
    await worked(work)
    (repo.path / ".git" / "refs" / "heads" / "main.lock").write_text("", encoding="utf-8")

    with pytest.raises(RepositoryUnusable, match=r"main\.lock"):
        await work.fast_forward_target(expect=work.base)
