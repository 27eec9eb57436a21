"""A number that all processes of a host see change, without asking anybody."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Final

from neveridle.errors import BoardUnusable

SIZE: Final = 8
"""Bytes: one unsigned number, which is read and written as a whole."""
GONE: Final = 2**64 - 1
"""Put into a file that is no longer the one at the path, for those who still look there."""


class SharedCounter:
    """One number in a small file that is mapped into the memory of each process.

    It belongs to a database as its ``-shm`` file does: it may be deleted while nobody has
    the database open, and then says 0.

    Args:
        path: the file; made when first needed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._view: memoryview | None = None
        self._file: tuple[int, int] | None = None

    def value(self) -> int | None:
        """The number; None: it is not known, as the file cannot be used."""
        view = self._view
        return None if view is None else view[0]

    def set(self, number: int) -> None:
        """Show a number to all processes, where the file can be used."""
        if self._view is not None:
            self._view[0] = number

    def open(self, *, writing: bool) -> None:
        """Map the file, where it is not mapped or another one has taken its place.

        Args:
            writing: whether a change is to be told: then it is an error when there is a
                file, which others may look at, and it cannot be written.

        Raises:
            BoardUnusable: it cannot be told.
        """
        try:
            found = self.path.stat()
            if self._file == (found.st_dev, found.st_ino):
                return
        except OSError:
            pass  # it is made below, or what hinders that is met there
        self.close(gone=True)
        try:
            self._map()
        except (OSError, ValueError) as error:
            self._view = None
            if writing and self.path.exists():
                msg = f"{self.path} cannot be written: {error}."
                remedy = "Give whoever uses the board the right to write this file, too."
                raise BoardUnusable(msg, remedy=remedy) from error

    def _map(self) -> None:
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            found = os.fstat(file)
            if found.st_size < SIZE:
                os.ftruncate(file, SIZE)
            self._view = memoryview(mmap.mmap(file, SIZE)).cast("Q")
            self._file = (found.st_dev, found.st_ino)
        finally:
            os.close(file)

    def close(self, *, gone: bool = False) -> None:
        """Let go of the file; may be called twice.

        Args:
            gone: whether another file took its place: who still looks at this one is told
                that nothing it knows is to be trusted.
        """
        if gone:
            self.set(GONE)
        self._view = self._file = None
