"""Copying a folder that somebody may still be writing to."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

DEPTH = 200
"""Folders nested deeper than this are left out."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def copy_tree(
    source: Path, target: Path, *, stop: threading.Event, skip: Callable[[str], bool]
) -> None:
    """Copy files, folders and links of ``source`` to ``target``, which must not exist.

    The source may change meanwhile: what vanishes is left out, and a folder that
    becomes a link is not followed. Pipes, sockets and devices are left out, and
    so is what cannot be read. Modes (without set-user-id) and times are kept.

    Args:
        source: an existing folder.
        target: where the copy goes.
        stop: once set, the copy ends early (the caller was cancelled).
        skip: told a name, says whether to leave it out.

    Raises:
        OSError: the target cannot be written.
    """
    target.mkdir()
    opened = os.open(source, _FOLDER)
    try:
        _copy_folder(opened, target, stop, skip, DEPTH)
    finally:
        os.close(opened)


def _copy_folder(
    folder: int, target: Path, stop: threading.Event, skip: Callable[[str], bool], depth: int
) -> None:
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if not skip(entry.name)]
    for name in names:
        if stop.is_set():
            return
        try:
            mode = os.lstat(name, dir_fd=folder).st_mode
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(mode):
            with contextlib.suppress(FileNotFoundError):
                (target / name).symlink_to(os.readlink(name, dir_fd=folder))
        elif stat.S_ISDIR(mode) and depth:
            inner = _opened(name, _FOLDER, folder)
            if inner is not None:
                try:
                    (target / name).mkdir()
                    _copy_folder(inner, target / name, stop, skip, depth - 1)
                finally:
                    os.close(inner)
        elif stat.S_ISREG(mode):
            _copy_file(name, folder, target / name)


def _copy_file(name: str, folder: int, target: Path) -> None:
    opened = _opened(name, _FILE, folder)
    if opened is None:
        return
    with os.fdopen(opened, "rb") as source:
        state = os.fstat(source.fileno())
        if not stat.S_ISREG(state.st_mode):  # swapped since we looked
            return
        with target.open("xb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
            os.fchmod(copy.fileno(), stat.S_IMODE(state.st_mode) & 0o777)
        os.utime(target, ns=(state.st_atime_ns, state.st_mtime_ns))


def _opened(name: str, flags: int, folder: int) -> int | None:
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError:  # vanished, became a link, or may not be read: left out
        return None
