"""Who may open the embedded index."""

from __future__ import annotations

import os
import sys
from pathlib import Path


class OwnerLock:
    """A lock file held by the one process (and the one ``Memory`` in it) that owns an index.

    The operating system releases it when the process ends, however it ends.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def held(self) -> bool:
        """Whether we are the owner."""
        return self._file is not None

    def acquire(self) -> bool:
        """Become the owner; False when somebody else is. Never waits."""
        if self._file is not None:
            return True
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            locked = _lock(file)
        except BaseException:  # closed again, then raised on
            os.close(file)
            raise
        if locked:
            self._file = file
        else:
            os.close(file)
        return locked

    def release(self) -> None:
        """Stop being the owner. The file stays: removing it would race with the next owner."""
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _lock(file: int) -> bool:
        # flock, not lockf: the latter knows no second owner inside one process.
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
