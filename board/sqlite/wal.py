"""Keeping the write-ahead log short while others read all the time."""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

LOOK = 64
"""Transactions of this process between two looks at the log's size."""
LIMIT = 64 << 20
"""Bytes the log may grow by before it is written back in full."""
WAIT = 0.5
"""Seconds for which a write-back waits for those who read; writers wait as long, at most."""

logger = logging.getLogger(__name__)


class WalTrimmer:
    """Writes the log back into the database, and cuts it, when it has grown too long.

    SQLite does so by itself only at a moment when nobody reads: where readers overlap, there
    is no such moment, and 20,000 transactions made a log of 880 MB beside a board of 7 MB. A
    write-back that waits for those who read just now needs half a second at most. Somebody
    who reads for longer than that keeps the log, however long it grows: it is tried again
    each time it has grown by ``LIMIT``.

    Args:
        path: the database file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._count = 0
        self._next = LIMIT
        self._busy = threading.Lock()

    def wrote(self) -> None:
        """Count a transaction; now and then look at the log, and cut it in the background."""
        self._count += 1
        if self._count % LOOK:
            return
        size = self.size()
        if size < LIMIT:
            self._next = LIMIT
        elif size >= self._next and not self._busy.locked():
            threading.Thread(target=self.trim, name="neveridle-wal", daemon=True).start()

    def size(self) -> int:
        """The log's size in bytes; 0 where there is none."""
        try:
            return self._log.stat().st_size
        except OSError:
            return 0

    def trim(self) -> bool:
        """Write the log back and cut it; False: somebody went on reading, or was at it."""
        if not self._busy.acquire(blocking=False):
            return False
        try:
            with closing(sqlite3.connect(self._path, timeout=WAIT, isolation_level=None)) as c:
                # Most of it without holding anybody up, so that the rest is quickly done.
                c.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                busy = int(c.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
        except sqlite3.Error as error:  # nothing is lost: the log is only long
            logger.warning("the log of %s could not be written back: %s", self._path, error)
            busy = 1
        finally:
            self._next = self.size() + LIMIT
            self._busy.release()
        return not busy
