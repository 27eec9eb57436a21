"""One SQLite connection as the board wants it, and what its errors mean."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from neveridle.errors import BoardUnusable, DiskFull, NeveridleError

T = TypeVar("T")

BUSY_LIMIT = 30.0
"""Seconds a write waits for its turn before the board counts as unusable."""


SPACE_LEFT = 1 << 20
"""Bytes of free space below which a failed write is put down to a full disk."""


def connect(path: Path, *, durable: bool) -> sqlite3.Connection:
    """Open a connection in WAL mode.

    Args:
        path: the database file.
        durable: whether a commit survives a power cut (``synchronous=FULL``) or only the
            death of the process (``NORMAL``).

    Raises:
        BoardUnusable: the file cannot be used.
        DiskFull: there is no space left.
    """

    def opened() -> sqlite3.Connection:
        return sqlite3.connect(
            path, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=256
        )

    connection = retrying(opened, path)
    try:
        retrying(lambda: _prepare(connection, path, durable=durable), path)
    except BaseException:  # closed again, then raised on
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, *, durable: bool) -> None:
    connection.row_factory = sqlite3.Row
    if not connection.execute("PRAGMA page_count").fetchone()[0]:
        # Only in a new file: free pages can later be given back while others work.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    # Another process may hold the file for a moment while it switches to WAL.
    mode = str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
    if mode != "wal":
        msg = f"The board at {path} cannot be switched to WAL mode (it stays in '{mode}')."
        raise BoardUnusable(msg, remedy="Put it on a disk of this machine, not on a network's.")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    if durable:  # on macOS a plain fsync leaves data in the drive's cache; elsewhere no change
        connection.execute("PRAGMA fullfsync = ON")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA journal_size_limit = 16777216")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    """A write transaction: all of it, or nothing, and none is left open."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:  # rolled back, then raised on
        if connection.in_transaction:  # a COMMIT that fails for want of space leaves it open
            connection.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    """Several reads that all see the same moment."""
    connection.execute("BEGIN")
    try:
        yield connection
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def is_busy(error: BaseException | None) -> bool:
    """Whether somebody else holds the database just now."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def retrying(work: Callable[[], T], path: Path) -> T:
    """Run ``work`` again, after a short random wait, while the database is busy.

    SQLite's own busy handler waits in growing steps and so starves some processes;
    0.2 to 1 ms of jitter serves all alike.

    Raises:
        BoardUnusable: it stayed busy for ``BUSY_LIMIT`` seconds, or cannot be used at all.
        DiskFull: there is no space left.
    """
    until = time.monotonic() + BUSY_LIMIT
    while True:
        try:
            return work()
        except NeveridleError:
            raise
        except Exception as error:  # SQLAlchemy wraps what sqlite3 raises; look inside
            cause = getattr(error, "orig", None) or error
            if not isinstance(cause, sqlite3.Error):
                raise
            if not is_busy(cause):
                raise explain(cause, path) from error
            if time.monotonic() > until:
                msg = f"{path} was locked by another process for {BUSY_LIMIT:.0f} seconds."
                raise BoardUnusable(msg, remedy="Look for a process that hangs on it.") from error
        pause()


def pause() -> None:
    """Let somebody else have the database for a moment."""
    time.sleep(random.uniform(0.0002, 0.001))


def explain(error: sqlite3.Error, path: Path) -> Exception:
    """The error of ours that says what to do about one of SQLite's."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    if primary == sqlite3.SQLITE_FULL or (primary == sqlite3.SQLITE_IOERR and no_space(path)):
        msg = f"No space is left for the board at {path}."
        return DiskFull(msg, remedy="Free some space; everything acknowledged so far is kept.")
    if primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOLFS):
        msg = f"The board at {path} cannot be read or written: {error}."
        return BoardUnusable(msg, remedy="Look at the disk: is it full, or gone?")
    if primary in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        msg = f"{path} is not a board, or is damaged: {error}."
        return BoardUnusable(msg, remedy="Restore it from a copy, or move it away to start anew.")
    closed = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)
    if primary in (*closed, sqlite3.SQLITE_AUTH):
        msg = f"The board at {path} cannot be opened for writing: {error}."
        return BoardUnusable(msg, remedy="Look at the folder and its permissions.")
    return error


def no_space(path: Path) -> bool:
    """Whether the disk under a file is full; SQLite does not always say so."""
    try:
        return shutil.disk_usage(path.parent).free < SPACE_LEFT
    except OSError:
        return False
