"""A log file that several processes write and rotate at the same time."""

from __future__ import annotations

import fcntl
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

LARGEST: Final = 10 * 1024 * 1024
"""Bytes of one file."""
FILES: Final = 5
"""Files that are kept: the one being written, and those before it, ``.1`` the newest."""


class SharedFile(logging.Handler):
    """Appends lines to a file, each with one write; when it is full it is renamed.

    The system puts what is appended behind what is there, whoever wrote that, so lines of
    several processes do not mix. Before each line a look at the file tells whether somebody
    else has rotated it. Who rotates holds a lock, and looks again once it has it.

    Not for network file systems, which may not append as a whole.

    Args:
        path: the file; its folder is there.
        largest: bytes after which it is rotated.
        files: how many are kept.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, path: Path, *, largest: int = LARGEST, files: int = FILES) -> None:
        super().__init__()
        self._path = path
        self._largest = largest
        self._files = files
        self._failing = False
        self._file = self._open()

    def emit(self, record: logging.LogRecord) -> None:
        """See ``logging.Handler``; under its lock."""
        try:
            line = f"{self.format(record)}\n".encode("utf-8", "backslashreplace")
            self._write(line)
        except Exception as error:  # noqa: BLE001 - as every handler: a log never stops the work
            self._complain(error)
        else:
            self._failing = False

    def close(self) -> None:
        """See ``logging.Handler``."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)
        super().close()

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return os.open(self._path, flags, 0o600)

    def _reopen(self) -> None:
        old, self._file = self._file, -1
        if old >= 0:
            os.close(old)
        self._file = self._open()

    def _write(self, line: bytes) -> None:
        if not self._is_current():
            self._reopen()
        size = os.fstat(self._file).st_size
        if size and size + len(line) > self._largest:
            self._rotate(len(line))
        while line:  # a second time only where the disk is nearly full
            line = line[os.write(self._file, line) :]

    def _is_current(self) -> bool:
        """Whether what is open is still the file of that name."""
        if self._file < 0:
            return False
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        ours = os.fstat(self._file)
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _rotate(self, coming: int) -> None:
        lock = os.open(f"{self._path}.lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # held for a few renames
            self._reopen()
            if os.fstat(self._file).st_size + coming <= self._largest:
                return  # somebody else was faster
            for number in range(self._files - 1, 0, -1):
                newer = self._numbered(number - 1)
                with suppress(FileNotFoundError):
                    newer.replace(self._numbered(number))
            if self._files == 1:
                self._path.unlink()
            self._reopen()
        finally:
            os.close(lock)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path

    def _complain(self, error: Exception) -> None:
        """Say that lines are lost; once until one was written again."""
        if self._failing:
            return
        self._failing = True
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        with suppress(OSError, ValueError):
            sys.stderr.write(f"The log file {self._path} cannot be written: {why}\n")
