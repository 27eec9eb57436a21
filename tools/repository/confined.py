"""File access that cannot leave a folder, whoever changes the folder meanwhile."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neveridle.errors import ModelMistake, PathEscape
from neveridle.tools.repository.failures import told
from neveridle.tools.repository.paths import is_git, split_path
from neveridle.tools.sandbox.removal import remove_tree

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

LINKS = 40
"""Links followed on one way, as in the kernel."""

DEPTH = 100
"""Folders one path, or one listing, may go down; each is open meanwhile."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Entry:
    """A thing in a folder: its path from the top, what it is, its size in bytes."""

    path: str
    kind: str  # "file", "folder", "link" or "other"
    size: int


class ConfinedTree:
    """The files below ``root``, reached by walking down open folders.

    Each component is opened relative to the folder before it and without
    following links; links are resolved here, one step at a time, and must stay
    inside. So there is no moment between a check and its use at which a process
    in the tree could swap a folder for a link.

    Every method may raise :class:`PathEscape` and, where the file system says no,
    :class:`ModelMistake` with its reason. Blocking; call it in a thread.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str, *, limit: int) -> bytes:
        """A regular file's bytes; refused where it has more than ``limit``."""
        with self._at(path) as (folder, name), told(path):
            opened = os.open(name, _READ, dir_fd=folder)
            with os.fdopen(opened, "rb") as file:
                state = os.fstat(opened)
                if not stat.S_ISREG(state.st_mode):
                    raise ModelMistake(f"{path} is no regular file.")
                data = file.read(limit + 1)
        if len(data) > limit:
            raise ModelMistake(f"{path} is too large to read: {state.st_size} bytes.")
        return data

    def read_if_there(self, path: str, *, limit: int) -> bytes | None:
        """The same; None where there is no such file."""
        return self.read(path, limit=limit) if self.kind(path) not in (None, "folder") else None

    def kind(self, path: str) -> str | None:
        """``file``, ``folder`` or ``other`` (links followed), None where nothing is."""
        try:
            with self._at(path) as (folder, name), told(path):
                return _kind(os.lstat(name, dir_fd=folder).st_mode)
        except ModelMistake as error:
            if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
                return None
            raise

    def write(self, path: str, data: bytes) -> bool:
        """Make or replace a regular file, at once; folders are made. True where it is new.

        The mode of a replaced file is kept.
        """
        with self._at(path, make=True) as (folder, name), told(path):
            mode = self._replaceable(path, folder, name)
            draft = f".neveridle-{secrets.token_hex(8)}.tmp"
            opened = os.open(draft, _MAKE, 0o666, dir_fd=folder)
            try:
                with os.fdopen(opened, "wb") as file:
                    file.write(data)
                    if mode is not None:
                        os.fchmod(opened, mode)
                os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:  # the draft is removed, then raised on
                os.unlink(draft, dir_fd=folder)
                raise
        return mode is None

    @staticmethod
    def _replaceable(path: str, folder: int, name: str) -> int | None:
        """The mode of the regular file there, None where there is nothing."""
        if name == ".":
            raise ModelMistake(f"{path or '.'} is a folder.")
        try:
            mode = os.lstat(name, dir_fd=folder).st_mode
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(mode):
            raise ModelMistake(f"{path} is no regular file but a {_kind(mode)}.")
        return stat.S_IMODE(mode)

    def delete(self, path: str) -> None:
        """Delete a file or a link (not what it points to); no folder."""
        with self._at(path, follow=False) as (folder, name), told(path):
            if _kind(os.lstat(name, dir_fd=folder).st_mode) == "folder":
                raise ModelMistake(f"{path} is a folder; only files can be deleted.")
            os.unlink(name, dir_fd=folder)

    def remove(self, path: str) -> None:
        """Remove whatever is there, with all it holds; nothing where nothing is."""
        try:
            with self._at(path, follow=False) as (folder, name), told(path):
                if name == ".":
                    raise ModelMistake("The top folder cannot be removed.")
                remove_tree(name, dir_fd=folder)
        except ModelMistake as error:
            if not isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
                raise

    def entries(self, path: str, *, skip: frozenset[str]) -> Iterator[Entry]:
        """Everything below a folder, sorted within each folder; no link is followed.

        A folder whose name is in ``skip`` is yielded and not entered; ``.git`` is
        not yielded. A file yields itself.
        """
        with self._at(path) as (folder, name), told(path):
            top = "/".join(split_path(path))
            mode = os.lstat(name, dir_fd=folder).st_mode
            if _kind(mode) != "folder":
                yield Entry(top, _kind(mode), os.lstat(name, dir_fd=folder).st_size)
                return
            opened = os.open(name, _FOLDER, dir_fd=folder)
            try:
                yield from _below(opened, f"{top}/" if top else "", skip, DEPTH)
            finally:
                os.close(opened)

    @contextmanager
    def _at(
        self, path: str, *, make: bool = False, follow: bool = True
    ) -> Generator[tuple[int, str]]:
        """The open folder that holds the last component, and that component.

        ``.`` stands for the folder itself. The component may not exist; with
        ``follow`` it is no link.
        """
        todo = list(reversed(split_path(path)))
        links = 0
        with told(path):
            stack = [os.open(self._root, _FOLDER)]
        try:
            name = "."
            with told(path):
                while todo:
                    part = todo.pop()
                    if part in ("", "."):
                        continue
                    if part == "..":  # only links bring it here
                        if len(stack) == 1:
                            raise PathEscape(f"{path!r} is a link out of the repository.")
                        os.close(stack.pop())
                        continue
                    last = not todo
                    target = _link(part, stack[-1])
                    if target is not None and (follow or not last):
                        links += 1
                        todo += self._steps(path, target, links)
                    elif last:
                        name = part
                    elif len(stack) > DEPTH:
                        raise ModelMistake(f"{path!r} goes down too deep.")
                    else:
                        stack.append(_enter(part, stack[-1], make=make))
            yield stack[-1], name
        finally:
            for opened in stack:
                os.close(opened)

    @staticmethod
    def _steps(path: str, target: str, links: int) -> list[str]:
        """What a link adds to the way, last step first."""
        if links > LINKS:
            raise PathEscape(f"{path!r} is a circle of links.")
        steps = target.split("/")
        if target.startswith("/") or any(is_git(step) for step in steps):
            raise PathEscape(f"{path!r} is a link out of the repository.")
        while steps and steps[-1] in ("", "."):
            steps.pop()
        return steps[::-1]


def _below(folder: int, prefix: str, skip: frozenset[str], depth: int) -> Iterator[Entry]:
    with os.scandir(folder) as found:
        names = sorted(entry.name for entry in found if not is_git(entry.name))
    for name in names:
        try:
            state = os.lstat(name, dir_fd=folder)
        except FileNotFoundError:
            continue
        kind = _kind(state.st_mode)
        yield Entry(prefix + name, kind, state.st_size)
        if kind == "folder" and name not in skip and depth:
            try:
                opened = os.open(name, _FOLDER, dir_fd=folder)
            except OSError:  # locked, or gone: its name has been told
                continue
            try:
                yield from _below(opened, f"{prefix}{name}/", skip, depth - 1)
            finally:
                os.close(opened)


def _link(name: str, folder: int) -> str | None:
    """Where a link points; None for what is no link."""
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError:  # no link (EINVAL), or nothing: whoever opens it will be told
        return None


def _enter(name: str, folder: int, *, make: bool) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
        os.mkdir(name, dir_fd=folder)
        return os.open(name, _FOLDER, dir_fd=folder)


def _kind(mode: int) -> str:
    for test, kind in ((stat.S_ISREG, "file"), (stat.S_ISDIR, "folder"), (stat.S_ISLNK, "link")):
        if test(mode):
            return kind
    return "other"
