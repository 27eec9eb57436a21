"""Which repositories can be worked on, and what is read from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neveridle.errors import RepositoryUnusable
from neveridle.tools.workspace import Workspaces


async def test_the_checked_out_branch_is_the_target(repo: Any, spaces: Workspaces) -> None:
    assert spaces.branch == "main"
    assert await spaces.head() == repo.git("rev-parse", "main")


async def test_a_configured_branch_is_the_target(repo: Any, home: Path) -> None:
    repo.git("branch", "release/1.0")
    repo.commit(a__txt="newer\n")
    repo.git("checkout", "-q", "--detach")
    spaces = Workspaces(repo.path, home, branch="release/1.0")

    await spaces.open()

    assert await spaces.head() == repo.git("rev-parse", "release/1.0")


async def test_a_bare_repository_will_do(repo: Any, home: Path, tmp_path: Path) -> None:
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    spaces = Workspaces(tmp_path / "bare.git", home)

    await spaces.open()
    work = await spaces.create("1", branch="b")
    await work.write("new.txt", "x")
    commit = await work.commit("New", author="Sam", email="sam@example.org")
    assert commit is not None

    assert (await work.fast_forward_target(expect=work.base)).result == "done"
    assert await spaces.head() == commit
    assert not await spaces.dirty()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        ("detach", "Check a branch out"),
        ("absent branch", "one of: main"),
        ("no repository", "make one with git init"),
        ("subfolder", "not the top folder"),
        ("no folder", "no folder"),
        ("no commit", "Make a first one"),
        ("no git", "Install git"),
    ],
)
async def test_what_cannot_be_used_says_what_to_do(
    repo: Any, home: Path, tmp_path: Path, spoil: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, branch = repo.path, ""
    empty = tmp_path / "empty"
    empty.mkdir()
    if spoil == "detach":
        repo.git("checkout", "-q", "--detach")
    elif spoil == "absent branch":
        branch = "nosuch"
    elif spoil == "no repository":
        path = empty
    elif spoil == "subfolder":
        path = repo.path / "src"
    elif spoil == "no folder":
        path = tmp_path / "nosuch"
    elif spoil == "no commit":
        repo.git("init", "-q", str(empty))
        path = empty
    else:
        monkeypatch.setenv("PATH", str(empty))

    with pytest.raises(RepositoryUnusable) as caught:
        await Workspaces(path, home, branch=branch).open()

    assert says in str(caught.value)


async def test_an_old_git_is_refused(
    repo: Any, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.34.1\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(RepositoryUnusable, match=r"Install git 2\.38"):
        await Workspaces(repo.path, home).open()


async def test_the_hint_follows_the_branch_loose_or_packed(repo: Any, spaces: Workspaces) -> None:
    assert spaces.head_hint() == await spaces.head()
    repo.git("pack-refs", "--all")
    assert spaces.head_hint() == await spaces.head()
    commit = repo.commit(a__txt="newer\n")
    assert spaces.head_hint() == commit
    repo.write(".git/refs/heads/main", "ref: refs/heads/other\n")
    assert spaces.head_hint() is None


async def test_the_hint_works_in_a_linked_worktree(repo: Any, home: Path, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", "-b", "linked", str(tmp_path / "linked"))
    spaces = Workspaces(tmp_path / "linked", home)

    await spaces.open()

    assert spaces.branch == "linked"
    assert spaces.head_hint() == await spaces.head()


async def test_dirty_means_changes_to_tracked_files_of_the_target(
    repo: Any, spaces: Workspaces
) -> None:
    assert not await spaces.dirty()
    repo.write("untracked.txt", "x")
    assert not await spaces.dirty()
    repo.write("a.txt", "changed\n")
    assert await spaces.dirty()
    repo.git("checkout", "-q", "-b", "mine")
    assert not await spaces.dirty()


async def test_read_at_gives_text_as_it_is_and_none_for_the_rest(
    repo: Any, spaces: Workspaces
) -> None:
    (repo.path / "link").symlink_to("a.txt")
    repo.write("späce d.txt", "ä")
    commit = repo.commit(a__txt="changed\n")
    head = await spaces.head()

    assert await spaces.read_at(head, "crlf.txt") == "one\r\ntwo\r\n"
    assert await spaces.read_at(head, "src/app.py") == "print('hello')\n"
    assert await spaces.read_at(commit, "späce d.txt") == "ä"
    for absent in ("nosuch", "src", "link", "", "../a.txt", ":(top)a.txt", "*.txt"):
        assert await spaces.read_at(head, absent) is None


async def test_branches_say_when_and_whether_merged(repo: Any, spaces: Workspaces) -> None:
    repo.git("branch", "old/merged")
    repo.git("checkout", "-q", "-b", "open ended".replace(" ", "-"))
    repo.git("commit", "-q", "--allow-empty", "-m", "x", "--date", "2020-01-01T00:00:00Z")
    repo.git("checkout", "-q", "main")

    branches = {info.name: info for info in await spaces.branches()}

    assert {name: info.merged for name, info in branches.items()} == {
        "main": True,
        "old/merged": True,
        "open-ended": False,
    }
    for name, info in branches.items():
        assert info.commit == repo.git("rev-parse", name)
        assert str(info.committed_at) == repo.git("log", "-1", "--format=%ct", name)
    assert await spaces.is_merged(branches["old/merged"].commit)
    assert not await spaces.is_merged(branches["open-ended"].commit)


async def test_a_branch_is_deleted_only_where_it_was_left(repo: Any, spaces: Workspaces) -> None:
    repo.git("branch", "gone")
    repo.git("branch", "seen")
    repo.git("worktree", "add", "-q", "../linked", "seen")
    head = await spaces.head()

    assert not await spaces.delete_branch("gone", expect="0" * 39 + "1")
    assert not await spaces.delete_branch("seen", expect=head)
    assert not await spaces.delete_branch("main", expect=head)
    assert await spaces.delete_branch("gone", expect=head)
    assert not await spaces.delete_branch("gone", expect=head)
    assert repo.git("branch", "--format=%(refname:short)").split() == ["main", "seen"]
