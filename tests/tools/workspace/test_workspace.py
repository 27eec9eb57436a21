"""What an attempt does in its clone."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import pytest

from neveridle.errors import ModelMistake, PathEscape, RepositoryUnusable, StateConflict
from neveridle.tools.workspace import Workspace, Workspaces, workspaces


class Author(TypedDict):
    author: str
    email: str


SAM: Author = {"author": "Sam", "email": "sam@example.org"}
Files = Callable[[Path], dict[str, str]]


async def test_a_clone_shares_objects_and_has_no_git_in_its_tree(
    repo: Any, work: Workspace, files: Files
) -> None:
    assert work.base == repo.git("rev-parse", "main") == await work.head()
    assert sorted(files(work.tree)) == [".gitignore", "a.txt", "crlf.txt", "src/app.py"]
    assert not [n for n in files(work.git_dir / "objects") if not n.startswith("info")]
    assert repo.git("status", "--porcelain", "-b") == "## main"


async def test_create_starts_where_told_and_replaces_leftovers(
    repo: Any, spaces: Workspaces, files: Files
) -> None:
    first = await spaces.head()
    repo.commit(a__txt="newer\n")
    work = await spaces.create("k", branch="b")
    await work.write("left.txt", "over")
    (work.tree / "src").chmod(0)

    again = await spaces.create("k", branch="b", start=first)

    assert again.base == first
    assert files(again.tree)["a.txt"] == "one\ntwo\nthree\n"
    assert "left.txt" not in files(again.tree)
    with pytest.raises(RepositoryUnusable, match="no commit"):
        await spaces.create("k", branch="b", start="nosuch")
    for name in ("a..b", "-x", "a b", ""):
        with pytest.raises(RepositoryUnusable, match="name of a branch"):
            await spaces.create("k", branch=name)
    for key in ("../up", "", "a/b", ".hidden", "a\nb"):
        with pytest.raises(ValueError, match="plain folder name"):
            await spaces.create(key, branch="b")


async def test_commit_takes_everything_that_is_not_ignored(repo: Any, work: Workspace) -> None:
    assert await work.commit("Nothing", **SAM) is None
    assert await work.status_clean()
    await work.write("new/däta file.txt", "x\r\n")
    await work.write("ignored/skip.txt", "x")
    await work.write("src/__pycache__/app.pyc", "x")
    await work.write("a.txt", "changed\n")
    (work.tree / "crlf.txt").unlink()
    (work.tree / "src" / "app.py").chmod(0o755)
    (work.tree / "link").symlink_to("/etc/passwd")
    assert not await work.status_clean()

    commit = await work.commit("Do\n\nall of it", author="Sam <x>\n", email="sam@example.org")

    assert commit == await work.head()
    assert await work.status_clean()
    assert await work.publish_branch() == commit
    changes = repo.git("-c", "core.quotePath=off", "diff", "--raw", "--abbrev=1", "main", commit)
    rows = [line.split("\t") for line in changes.split("\n")]
    assert sorted((row[0].split()[1], row[0].split()[4], row[1]) for row in rows) == [
        ("000000", "D", "crlf.txt"),
        ("100644", "A", "new/däta file.txt"),
        ("100644", "M", "a.txt"),
        ("100755", "M", "src/app.py"),
        ("120000", "A", "link"),
    ]
    shown = repo.git("log", "-1", "--format=%an|%ae|%cn|%B", commit)
    assert shown == "Sam  x|sam@example.org|neveridle|Do\n\nall of it"
    assert repo.git("show", f"{commit}:new/däta file.txt") == "x"


async def test_a_file_may_become_a_folder_and_back(work: Workspace) -> None:
    (work.tree / "a.txt").unlink()
    await work.write("a.txt/inside", "x")
    assert await work.commit("Folder", **SAM)
    assert await work.changed_files(work.base) == ["a.txt", "a.txt/inside"]
    (work.tree / "a.txt" / "inside").unlink()
    (work.tree / "a.txt").rmdir()
    await work.write("a.txt", "one\ntwo\nthree\n")
    assert await work.commit("File", **SAM)
    assert await work.changed_files(work.base) == []


async def test_changed_files_and_diff_include_what_is_not_committed(work: Workspace) -> None:
    await work.write("b.txt", "committed\n")
    await work.commit("One", **SAM)
    await work.write("späce d.txt", "not committed\n")
    await work.write("a.txt", "changed\n")

    assert await work.changed_files(work.base) == ["a.txt", "b.txt", "späce d.txt"]
    assert await work.changed_files(await work.head()) == ["a.txt", "späce d.txt"]
    patch = await work.diff(work.base)
    assert "+not committed" in patch
    assert "+committed" in patch
    assert "-two" in patch
    assert (await work.diff(work.base, limit=50)).endswith("[... cut after 50 bytes ...]\n")
    assert await work.commit("Two", **SAM)
    assert await work.diff(await work.head()) == ""


async def test_a_file_git_cannot_store_is_the_models_mistake(work: Workspace) -> None:
    (work.tree / "git~1").write_text("Windows takes this for .git")
    with pytest.raises(ModelMistake, match=r"git cannot store 'git~1'"):
        await work.commit("Odd", **SAM)


async def test_read_and_write_keep_bytes(work: Workspace, files: Files) -> None:
    assert await work.read("crlf.txt") == "one\r\ntwo\r\n"
    assert await work.read("nosuch/file") is None
    assert await work.read("src") is None
    (work.tree / "latin").write_bytes(b"caf\xe9\r\n")
    text = await work.read("latin")
    assert text is not None
    await work.write("latin", text)
    assert (work.tree / "latin").read_bytes() == b"caf\xe9\r\n"
    (work.tree / "out").symlink_to("/etc")
    for path in ("../x", "/etc/passwd", "out/passwd", ".git/config"):
        with pytest.raises(PathEscape):
            await work.read(path)
        with pytest.raises(PathEscape):
            await work.write(path, "x")


async def test_checkout_paths_brings_back_what_was_there(
    work: Workspace, files: Files, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "app.py").write_text("kept")
    before = files(work.tree)
    (work.tree / "src" / "app.py").unlink()
    (work.tree / "src").rmdir()
    (work.tree / "src").symlink_to(outside)
    await work.write("a.txt", "changed")
    await work.write("planted.cfg", "x")
    await work.write("folder/planted", "x")
    await work.write("mine.txt", "stays")

    await work.checkout_paths(work.base, ["src", "a.txt", "planted.cfg", "folder", "never"])

    assert files(work.tree) == {**before, "mine.txt": "stays"}
    assert (outside / "app.py").read_text() == "kept"
    assert await work.changed_files(work.base) == ["mine.txt"]
    with pytest.raises(PathEscape):
        await work.checkout_paths(work.base, ["../x"])


async def test_a_merge_moves_branch_and_tree(repo: Any, work: Workspace, files: Files) -> None:
    await work.write("b.txt", "ours\n")
    ours = await work.commit("Ours", **SAM)
    theirs = repo.commit(a__txt="theirs\n", c__txt="theirs\n")
    await work.write("ignored/x", "kept")

    result = await work.merge("main", message="Merge main", **SAM)

    assert result.ok
    assert result.commit == await work.head()
    assert await work.status_clean()
    assert files(work.tree) | {
        "a.txt": "theirs\n",
        "b.txt": "ours\n",
        "c.txt": "theirs\n",
    } == files(work.tree)
    assert (await work.merge("main", message="Again", **SAM)).commit == result.commit
    await work.publish_branch()
    assert repo.git("log", "-1", "--format=%P %s", result.commit) == f"{ours} {theirs} Merge main"


async def test_a_merge_can_be_made_as_the_target_would_see_it(repo: Any, work: Workspace) -> None:
    await work.write("b.txt", "ours\n")
    ours = await work.commit("Ours", **SAM)

    plain = await work.merge("main", message="Merge", **SAM)
    always = await work.merge("main", message="Merge", always=True, other_first=True, **SAM)

    assert plain.commit == ours
    await work.publish_branch()
    assert repo.git("log", "-1", "--format=%P", always.commit) == f"{work.base} {ours}"


async def test_a_branch_without_work_of_its_own_is_fast_forwarded(
    repo: Any, work: Workspace, files: Files
) -> None:
    theirs = repo.commit(a__txt="theirs\n")

    assert (await work.merge("main", message="Merge", **SAM)).commit == theirs
    assert files(work.tree)["a.txt"] == "theirs\n"
    assert await work.status_clean()


async def test_a_conflict_names_its_files_and_leaves_everything_as_it_was(
    repo: Any, work: Workspace, files: Files
) -> None:
    await work.write("a.txt", "ours\n")
    await work.write("däta", "ours\n")
    await work.write("fine.txt", "ours\n")
    head = await work.commit("Ours", **SAM)
    repo.write("däta", "theirs\n")
    repo.commit(a__txt="theirs\n", other__txt="x\n")
    before = files(work.tree)

    result = await work.merge("main", message="Merge", **SAM)

    assert (result.ok, result.commit, result.conflicts) == (False, None, ["a.txt", "däta"])
    assert files(work.tree) == before
    assert await work.head() == head
    assert await work.status_clean()


async def test_a_merge_needs_a_clean_tree_and_a_common_past(repo: Any, work: Workspace) -> None:
    repo.git("checkout", "-q", "--orphan", "stranger")
    repo.commit(z__txt="z")
    with pytest.raises(RepositoryUnusable, match="unrelated"):
        await work.merge("stranger", message="Merge", **SAM)
    with pytest.raises(RepositoryUnusable, match="no branch or commit"):
        await work.merge("nosuch", message="Merge", **SAM)
    await work.write("a.txt", "changed")
    with pytest.raises(StateConflict, match="not committed"):
        await work.merge("main", message="Merge", **SAM)


async def test_adopting_copies_work_and_leaves_the_old_owner_alone(
    spaces: Workspaces, work: Workspace, files: Files
) -> None:
    await work.write("b.txt", "committed\n")
    head = await work.commit("One", **SAM)
    await work.write("c.txt", "not committed\n")
    await work.write("ignored/d.txt", "ignored\n")
    os.mkfifo(work.tree / "fifo")
    for lock in ("index.lock", "HEAD.lock", "refs/heads/neveridle/1-task.lock"):
        (work.git_dir / lock).write_text("")
    (work.git_dir / "index").write_bytes(b"half an ind")

    taken = await spaces.adopt("1-1", "1-2", branch=work.branch)

    assert taken is not None
    (work.tree / "fifo").unlink()
    assert files(taken.tree) == files(work.tree)
    assert (taken.base, taken.branch) == (work.base, work.branch)
    assert await taken.head() == head
    assert await taken.changed_files(taken.base) == ["b.txt", "c.txt"]
    new = await taken.commit("Two", **SAM)
    assert new is not None
    assert await taken.publish_branch() == new
    other = await spaces.adopt("1-1", "1-3", branch="another/name")
    assert other is not None
    assert (other.branch, await other.head()) == ("another/name", head)
    again = await spaces.find("1-2")
    assert again is not None
    assert (again.base, again.branch, await again.head()) == (taken.base, taken.branch, new)
    work_again = await spaces.find("1-1")
    assert work_again is not None
    assert await work_again.head() == head
    assert sorted(await spaces.keys()) == ["1-1", "1-2", "1-3"]
    assert await spaces.adopt("nosuch", "1-4", branch="b") is None


async def test_adopting_never_follows_a_link_that_was_a_folder(
    spaces: Workspaces, work: Workspace, files: Files, tmp_path: Path
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "key").write_text("hidden")
    (work.tree / "out").symlink_to(tmp_path / "secrets")

    taken = await spaces.adopt("1-1", "1-2", branch="b")

    assert taken is not None
    assert files(taken.tree)["out"] == f"-> {tmp_path / 'secrets'}"
    assert "hidden" not in files(taken.tree).values()


async def test_a_killed_git_leaves_a_lock_that_find_removes(
    spaces: Workspaces, work: Workspace
) -> None:
    await work.write("b.txt", "x")
    (work.git_dir / "index.lock").write_text("")
    with pytest.raises(RepositoryUnusable, match=r"index\.lock"):
        await work.commit("One", **SAM)

    found = await spaces.find("1-1")

    assert found is not None
    assert await found.commit("One", **SAM)


async def test_removed_and_half_made_workspaces_are_not_found(
    spaces: Workspaces, work: Workspace, files: Files
) -> None:
    (work.git_dir / "neveridle.json").unlink()
    assert await spaces.find("1-1") is None
    assert await spaces.keys() == ["1-1"]
    await spaces.remove("1-1")
    await spaces.remove("1-1")
    assert await spaces.keys() == []


@pytest.mark.parametrize("steps", range(0, 40, 6))
async def test_cancelled_anywhere_it_stays_usable(
    spaces: Workspaces, repo: Any, steps: int
) -> None:
    """Cancel after ever more turns of the loop; the next owner must be able to go on."""
    work = await spaces.create("1-1", branch="b")
    for number in range(30):
        await work.write(f"file-{number}", "x" * 1000)
    task = asyncio.create_task(work.commit("One", **SAM))
    for _ in range(steps):
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
        raise asyncio.CancelledError  # it was done already

    taken = await spaces.adopt("1-1", "1-2", branch="b2")

    assert taken is not None
    await taken.commit("Two", **SAM)
    assert len(await taken.changed_files(taken.base)) == 30
    assert await taken.status_clean()


async def test_a_shallow_and_a_sha256_repository_will_do(
    repo: Any, home: Path, tmp_path: Path
) -> None:
    repo.commit(a__txt="newer\n")
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.path}", str(tmp_path / "shallow"))
    other = type(repo)(tmp_path / "sha256")
    repo.git("init", "-q", "--object-format=sha256", "-b", "main", str(other.path))
    other.commit(a__txt="x\n")
    for path in (tmp_path / "shallow", other.path):
        spaces = Workspaces(path, home)
        await spaces.open()
        work = await spaces.create("k", branch="b")
        await work.write("new", "x")
        commit = await work.commit("New", **SAM)
        assert (await work.merge("main", message="m", **SAM)).commit == commit
        assert (await work.fast_forward_target(expect=work.base)).result == "done"
        assert (path / "new").exists()


async def test_cleaning_leaves_what_the_commit_holds_and_nothing_else(work: Workspace) -> None:
    (work.tree / ".gitignore").write_text("out/\n")
    (work.tree / "kept.txt").write_text("kept\n")
    commit = await work.commit("Keep it", author="sam", email="sam@example.invalid")
    (work.tree / "out").mkdir()
    (work.tree / "out" / "built").write_text("built\n")
    (work.tree / "untracked.txt").write_text("new\n")
    (work.tree / "kept.txt").write_text("changed\n")
    (work.tree / "nested" / ".git").mkdir(parents=True)

    await work.clean()

    assert (work.tree / "kept.txt").read_text() == "kept\n"
    assert not (work.tree / "out").exists()
    assert not (work.tree / "untracked.txt").exists()
    assert not (work.tree / "nested").exists()
    assert (await work.head(), await work.status_clean()) == (commit, True)


async def test_cancelled_while_it_copies_nothing_is_written_behind_the_back(
    spaces: Workspaces, work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next thing that happens to a lost attempt's clone is its removal."""
    begun, go = threading.Event(), threading.Event()
    copy: Callable[..., None] = vars(workspaces)["copy_tree"]

    def slow(source: Path, target: Path, **named: Any) -> None:
        begun.set()
        assert go.wait(60)
        copy(source, target, **named)

    monkeypatch.setattr(workspaces, "copy_tree", slow)
    task = asyncio.create_task(spaces.adopt("1-1", "1-2", branch="b"))
    assert await asyncio.to_thread(begun.wait, 60)
    try:
        task.cancel()
        for _ in range(20):  # more turns than a cancellation needs to come through
            await asyncio.sleep(0)
        assert not task.done()
    finally:
        go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await spaces.remove("1-2")
    assert await spaces.keys() == ["1-1"]


async def test_resetting_leaves_what_the_commit_holds_and_what_git_ignores(
    repo: Any, spaces: Workspaces, work: Workspace
) -> None:
    (work.tree / ".gitignore").write_text("out/\n")
    (work.tree / "mine.txt").write_text("mine\n")
    commit = await work.commit("Mine", **SAM)
    assert commit is not None
    repo.commit(theirs__txt="theirs\n")
    (work.tree / "theirs.txt").write_text("the")  # as a merge that was killed here leaves it
    (work.tree / "made" / ".git").mkdir(parents=True)
    (work.tree / "out").mkdir()
    (work.tree / "out" / "built").write_text("built\n")
    taken = await spaces.adopt("1-1", "1-2", branch="b")
    assert taken is not None

    await taken.reset(commit)

    assert not (taken.tree / "theirs.txt").exists()
    assert not (taken.tree / "made").exists()
    assert (taken.tree / "out" / "built").exists()
    assert (await taken.head(), await taken.status_clean()) == (commit, True)
    merged = await taken.merge("main", message="m", always=True, other_first=True, **SAM)
    assert merged.ok
    assert (taken.tree / "theirs.txt").read_text() == "theirs\n"
