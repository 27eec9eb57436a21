"""Removing folders whose contents somebody else made."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import stat
import sys
import time
from pathlib import Path

ROUNDS = 100
"""How often a removal begins again because somebody else removes the same."""


def remove_tree(root: Path | str, *, dir_fd: int | None = None) -> None:
    """Remove ``root`` and all it holds; nothing happens where it does not exist.

    A relative ``root`` is looked for in the open folder ``dir_fd``, if given.

    No link is followed, read-only folders are opened, and folders nested deeper
    than a path can name are flattened first instead of being descended into. Somebody
    else may be removing the same: then both succeed.

    Raises:
        OSError: something cannot be removed.
    """
    for _ in range(ROUNDS):
        try:
            _remove(root, dir_fd)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EISDIR):
                raise
            time.sleep(random.uniform(0, 0.002))  # somebody else moves things about in there
        else:
            return
    _remove(root, dir_fd)


def _remove(root: Path | str, dir_fd: int | None) -> None:
    try:
        top = _open_folder(root, dir_fd)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        os.unlink(root, dir_fd=dir_fd)
        return
    try:
        _empty(top)
    finally:
        os.close(top)
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(root, dir_fd=dir_fd)


def _empty(top: int) -> None:
    """Unlink everything in ``top``; subfolders are moved up and emptied in turn."""
    serial = 0
    names = _entries(top)
    while names:
        name = names.pop()
        try:
            os.unlink(name, dir_fd=top)
            continue
        except FileNotFoundError:
            continue
        except OSError:  # a folder: EISDIR on Linux, EPERM elsewhere
            if not _is_there(name, top):
                continue
            if not _is_folder(name, top):
                raise
        folder = _open_folder(name, top)
        try:
            for inner in _entries(folder):
                if not _is_folder(inner, folder):
                    os.unlink(inner, dir_fd=folder)
                    continue
                _make_writable(inner, folder)  # its ".." changes when it moves
                serial = _move_up(inner, folder, top, serial)
                names.append(f".removed-{serial}")
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=top)


def _move_up(name: str, folder: int, top: int, serial: int) -> int:
    """Rename a subfolder to a name nobody uses in ``top``; returns that name's number."""
    while True:
        serial += 1
        if not _is_there(f".removed-{serial}", top):
            os.rename(name, f".removed-{serial}", src_dir_fd=folder, dst_dir_fd=top)
            return serial


def _entries(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _is_there(name: str, folder: int) -> bool:
    try:
        os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def _is_folder(name: str, folder: int) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode)
    except FileNotFoundError:
        return False


def _open_folder(path: Path | str, parent: int | None = None) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        opened = os.open(path, flags, dir_fd=parent)
    except PermissionError:
        _make_writable(path, parent)
        opened = os.open(path, flags, dir_fd=parent)
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link where a folder was expected
            raise NotADirectoryError(*error.args) from error
        raise
    if os.fstat(opened).st_mode & stat.S_IRWXU != stat.S_IRWXU:
        os.fchmod(opened, stat.S_IRWXU)
    return opened


def _make_writable(path: Path | str, parent: int | None) -> None:
    """Let us into a folder; never changes what a link points to."""
    if sys.platform == "linux":  # chmod has no "do not follow" here: go through a handle
        handle = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            if stat.S_ISDIR(os.fstat(handle).st_mode):
                Path(f"/proc/self/fd/{handle}").chmod(stat.S_IRWXU)
        finally:
            os.close(handle)
    else:
        os.chmod(path, stat.S_IRWXU, dir_fd=parent, follow_symlinks=False)
