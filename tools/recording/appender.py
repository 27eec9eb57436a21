"""Appending lines to a file, by several agents and several processes at once."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from neveridle.errors import DiskFull, RecordingInvalid


class Appender:
    """Appends JSON lines to a file with a header; what is there already stays.

    Each entry is one line, and each line one ``write`` to a file opened for appending: on
    POSIX systems and local disks, lines of several processes never mix, and a killed
    process leaves whole lines behind. (Windows and network disks have no atomic append:
    there, let one process record.)

    Args:
        path: the file; it and its folder are made when they are missing.
        header: the first line of a new file.
        check: looks at a file that is there; raises where nothing can be added to it.
        setting: where the file is set, for errors.

    Raises:
        RecordingInvalid: the file cannot be written.
        DiskFull: no space is left.
    """

    def __init__(
        self, path: Path, header: Mapping[str, Any], *, check: Callable[[Path], None], setting: str
    ) -> None:
        self.path = path
        self._setting = setting
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                create_once(path, _line(header))
            check(path)
            flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._file = os.open(path, flags)
        except OSError as error:
            raise _unwritable(path, error, setting) from error

    def append(self, entry: Mapping[str, Any]) -> None:
        """Append one line; it has reached the operating system when this returns.

        Raises:
            DiskFull: no space is left.
            RecordingInvalid: the file cannot be written, or this is closed.
        """
        line = _line(entry)
        try:
            written = os.write(self._file, line)
            if written < len(line):  # a full disk takes a part, then refuses
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise _unwritable(self.path, error, self._setting) from error

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_file", -1) >= 0:
            self.close()


def first_line(path: Path, setting: str) -> Any:
    """The JSON of a file's first line; None: it is none.

    Raises:
        RecordingInvalid: it cannot be read.
    """
    try:
        with path.open("r", encoding="utf-8-sig", errors="replace") as file:
            first = file.readline(1_000_000)
    except OSError as error:
        raise _unwritable(path, error, setting) from error
    try:
        return json.loads(first) if first.strip() else None
    except json.JSONDecodeError:
        return None


def create_once(path: Path, header: bytes) -> None:
    """Make a file with its header in one step; one that is there by now stays as it is.

    Raises:
        OSError: it cannot be written.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".recording-") as temporary:
        temporary.write(header)
        temporary.flush()
        try:
            with contextlib.suppress(FileExistsError):  # somebody else was first: theirs counts
                path.hardlink_to(temporary.name)
        except OSError:  # a file system without links: a small race is left
            with contextlib.suppress(FileExistsError), path.open("xb") as file:
                file.write(header)


def _line(data: Mapping[str, Any]) -> bytes:
    # ensure_ascii keeps the line whole for readers that split at U+2028, and lone surrogates legal
    return json.dumps(data, separators=(",", ":")).encode("ascii") + b"\n"


def _unwritable(path: Path, error: OSError, setting: str) -> DiskFull | RecordingInvalid:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(
            f"{path}: no space is left on its disk.",
            remedy="Free some, delete a last line that was cut short, or record elsewhere.",
        )
    return RecordingInvalid(
        f"{path}: cannot be written ({error.strerror or error}).",
        remedy=f"Set a file that can be written as {setting}.",
    )
