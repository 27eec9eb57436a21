"""All workspaces of a team, and the repository they are cloned from."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import threading
from typing import TYPE_CHECKING

from neveridle.errors import StateCorrupted
from neveridle.tools.sandbox.removal import remove_tree
from neveridle.tools.threads import to_its_end
from neveridle.tools.workspace.copying import copy_tree
from neveridle.tools.workspace.git import disk_errors
from neveridle.tools.workspace.repository import Repository
from neveridle.tools.workspace.workspace import ADOPTED, MARKER, Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from neveridle.tools.workspace.results import BranchInfo

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Workspaces:
    """Clones of a repository, one for each attempt, in ``home/work/<key>``.

    A key names a folder: letters, digits, ``.``, ``_`` and ``-``, at most 100.
    Call :meth:`open` before anything else.

    Args:
        repository: its top folder, bare or not.
        home: the team's folder.
        branch: the target branch; empty takes the one checked out.
    """

    def __init__(self, repository: Path, home: Path, *, branch: str = "") -> None:
        self.repository = repository.absolute()
        self._target = Repository(self.repository, branch)
        self._work = home.absolute() / "work"

    @property
    def branch(self) -> str:
        """The target branch; known once opened."""
        return self._target.branch

    @property
    def target(self) -> Repository:
        """The repository itself; known once opened."""
        return self._target

    async def open(self) -> None:
        """Check git, the repository and its branch.

        Raises:
            RepositoryUnusable: with what to do about it.
            DiskFull: the folder of the workspaces cannot be made.
        """
        await self._target.open()
        with disk_errors():
            await asyncio.to_thread(self._work.mkdir, parents=True, exist_ok=True)

    async def head(self) -> str:
        """The commit of the target branch."""
        return await self._target.head()

    def head_hint(self) -> str | None:
        """The same without starting a process; None where that is not certain."""
        return self._target.head_hint()

    async def dirty(self) -> bool:
        """Whether uncommitted changes lie where the target branch is checked out."""
        return bool(await self._target.dirty_files())

    async def dirty_files(self) -> list[str]:
        """The tracked files that :meth:`dirty` is about."""
        return await self._target.dirty_files()

    async def create(self, key: str, *, branch: str, start: str = "") -> Workspace:
        """Clone the repository at ``start`` onto a branch of its own.

        Objects are shared with the repository, not copied. What an earlier
        workspace of the same key left is removed.

        Args:
            key: names the workspace.
            branch: the clone's branch; the repository learns of it by publishing.
            start: a commit or branch; empty takes the target branch.

        Raises:
            RepositoryUnusable: ``start`` or ``branch`` cannot be used.
            DiskFull: no space is left.
        """
        folder = self._folder(key)
        with disk_errors():
            await to_its_end(lambda: _fresh(folder))
            workspace = self._workspace(key)
            await workspace.set_up(branch=branch, start=start)
        return workspace

    async def adopt(self, old: str, key: str, *, branch: str) -> Workspace | None:
        """Take over the work of another attempt: a copy, for its owner may not be dead.

        Committed and uncommitted work comes along; locks that a killed git left,
        and its index, do not.

        Returns:
            The new workspace at the old one's commit, with its base; None where
            there is no usable workspace ``old``.

        Raises:
            StateCorrupted: there is one, and it cannot be read any more.
            DiskFull: no space is left.
        """
        source, folder = self._folder(old), self._folder(key)
        if old == key:
            return None
        stop = threading.Event()
        with disk_errors():
            try:
                await to_its_end(lambda: _copied(source, folder, stop), stop=stop)
            except FileNotFoundError:  # never made, half made, or removed meanwhile
                await self.remove(key)
                return None
            workspace = self._workspace(key)
            try:
                taken = await workspace.take_over(branch=branch, old=old)
            except StateCorrupted:
                await self.remove(key)
                raise
            if not taken:
                await self.remove(key)
                return None
        return workspace

    async def find(self, key: str) -> Workspace | None:
        """The complete workspace of this key; stale locks in it are removed.

        Only its owner may call this: a live git's lock would be removed, too.
        """
        workspace = self._workspace(key)
        return workspace if await asyncio.to_thread(workspace.load) else None

    async def remove(self, key: str) -> None:
        """Remove a workspace; nothing happens where there is none."""
        folder = self._folder(key)
        await to_its_end(lambda: _forget(folder))

    async def keys(self) -> list[str]:
        """The keys of all workspaces, complete or not."""

        def listed() -> list[str]:
            try:
                return sorted(p.name for p in self._work.iterdir() if KEY.fullmatch(p.name))
            except FileNotFoundError:
                return []

        return await asyncio.to_thread(listed)

    async def read_at(self, commit: str, path: str) -> str | None:
        """A file's text at ``commit`` (UTF-8 with replacement), None where absent."""
        return await self._target.read_at(commit, path)

    async def delete_branch(self, name: str, *, expect: str) -> bool:
        """Delete a branch of the repository, only while it still points at ``expect``.

        False where it does not, or where it is checked out.
        """
        return await self._target.delete_branch(name, expect=expect)

    async def branches(self) -> list[BranchInfo]:
        """All branches of the repository, by name; the target branch counts as merged."""
        return await self._target.branches()

    async def has_commit(self, commit: str) -> bool:
        """Whether the repository itself holds a commit."""
        return await self._target.git.commit_at(commit) is not None

    async def is_merged(self, commit: str) -> bool:
        """Whether the target branch contains ``commit``."""
        return await self._target.contains(commit)

    def _workspace(self, key: str) -> Workspace:
        return Workspace(key, self._folder(key), self._target, self._work / ".published")

    def _folder(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            msg = f"a workspace's key is a plain folder name, not {key!r}"
            raise ValueError(msg)
        return self._work / key


def _fresh(folder: Path) -> None:
    """An empty workspace folder, whatever was there."""
    _forget(folder)
    (folder / "tree").mkdir(parents=True)


def _forget(folder: Path) -> None:
    # The marker goes first: a removal cut short must not leave a workspace that looks whole.
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        (folder / "git" / MARKER).unlink()
    remove_tree(folder)


def _copied(source: Path, folder: Path, stop: threading.Event) -> None:
    facts = (source / "git" / MARKER).read_bytes()
    _forget(folder)
    # The marker is renamed, so the copy does not count as whole; refs before objects,
    # so that whatever a ref names was there when its objects were copied.
    (folder / "git").mkdir(parents=True)
    (folder / "git" / ADOPTED).write_bytes(facts)
    for name in ("HEAD", "config", "shallow"):
        if (source / "git" / name).exists():
            shutil.copyfile(source / "git" / name, folder / "git" / name)
    for name in ("refs", "info", "objects"):
        copy_tree(source / "git" / name, folder / "git" / name, stop=stop, skip=_is_transient)
    copy_tree(source / "tree", folder / "tree", stop=stop, skip=lambda name: False)


def _is_transient(name: str) -> bool:
    return name.endswith(".lock") or name.startswith("tmp_")
