"""Giving space back to the disk while a team runs: SQLite."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path

from neveridle.board.sqlite.connection import connect, retrying
from neveridle.board.sqlite.wal import WalTrimmer
from neveridle.errors import DiskFull, StateConflict

INCREMENTAL = 2
"""``PRAGMA auto_vacuum``, where free pages can be given back little by little."""
STEP = 256
"""Pages given back in one transaction."""
PAUSE = 0.01
"""Real seconds between two of them."""
LEAST = 1024
"""Free pages below which none are given back: they will be used again."""
BESIDE_A_TEAM = 256 << 20
"""Bytes above which a vacuum would hold a running team up for more than some seconds."""
LIVE = """
SELECT count(*) FROM runs
WHERE ended_at IS NULL AND heartbeat_at > (SELECT now FROM board_clock) - 300
"""


class SqliteUpkeep:
    """Upkeep of a board's file, on connections and threads of its own.

    Args:
        path: the database file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def reclaim(self) -> int:
        """Give back free pages where they are more than a quarter of the file; bytes given back.

        Some are kept, to be used again. A board of an older version gives back nothing until
        it was vacuumed once.
        """
        return await asyncio.to_thread(self._reclaim)

    def _reclaim(self) -> int:
        with closing(connect(self._path, durable=False)) as c:
            free, pages = _number(c, "freelist_count"), _number(c, "page_count")
            size = _number(c, "page_size")
            if _number(c, "auto_vacuum") != INCREMENTAL or free < max(LEAST, pages // 4):
                return 0
            start, keep, left = free, pages // 10, free + 1
            while keep < free < left:  # it ends where nothing more is given back
                left = free
                # `execute` would stop after the first page.
                step = f"PRAGMA incremental_vacuum({min(STEP, free - keep)})"
                retrying(partial(c.executescript, step), self._path)
                free = _number(c, "freelist_count")
                time.sleep(PAUSE)
        WalTrimmer(self._path).trim()  # only then the file itself is cut
        return max(0, start - free) * size

    async def vacuum(self) -> int:
        """Write the whole file anew, without gaps; bytes given back.

        It waits for its turn, and others wait for it meanwhile.

        Raises:
            StateConflict: agents run, and would have to wait for too long.
            DiskFull: there is not enough space for the copy.
        """
        return await asyncio.to_thread(self._vacuum)

    def _vacuum(self) -> int:
        size = self._path.stat().st_size
        free = shutil.disk_usage(self._path.parent).free
        if free < size * 2.2:
            msg = f"A vacuum of {self._path} needs {size * 2.2 / 1e6:.0f} MB of free space."
            raise DiskFull(msg, remedy=f"There are {free / 1e6:.0f} MB: free some first.")
        with closing(connect(self._path, durable=True)) as c:
            alive = int(c.execute(LIVE).fetchone()[0])
            if alive and size > BESIDE_A_TEAM:
                msg = f"{alive} agents run on this board of {size / 1e6:.0f} MB."
                remedy = "They would have to wait for too long: stop them first, then vacuum."
                raise StateConflict(msg, remedy=remedy)
            retrying(lambda: _rewrite(c), self._path)
        WalTrimmer(self._path).trim()
        return size - self._path.stat().st_size


def _rewrite(connection: sqlite3.Connection) -> None:
    if _number(connection, "auto_vacuum") != INCREMENTAL:
        connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
    connection.execute("VACUUM")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
