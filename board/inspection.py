"""Looking at a board without opening it: nothing is made, migrated or written."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from neveridle.board.board import database_for
from neveridle.board.sqlite.connection import explain
from neveridle.errors import BoardUnusable


class Reader(Protocol):
    """A connection that can only read."""

    kind: str

    def rows(self, query: str) -> list[Sequence[Any]]:
        """The rows of a query."""
        ...


@contextmanager
def reading(url: str) -> Generator[Reader]:
    """A connection to the board that can only read. Blocking.

    Raises:
        BoardUnusable: there is no board, or it cannot be read.
        ExtraMissing: it is on PostgreSQL, and psycopg is not installed.
    """
    database_for(url)  # says what is wrong with the URL
    if url.startswith("sqlite"):
        with _sqlite(Path(url.removeprefix("sqlite:///"))) as reader:
            yield reader
        return
    from neveridle.board.postgres.inspection import postgres_reading

    with postgres_reading(url) as reader:
        yield reader


class SqliteReader:
    """See ``Reader``."""

    kind = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, query: str) -> list[Sequence[Any]]:
        """The rows of a query."""
        return self._connection.execute(query).fetchall()


@contextmanager
def _sqlite(path: Path) -> Generator[SqliteReader]:
    if not path.is_file():
        msg = f"There is no board at {path}."
        raise BoardUnusable(msg, remedy="`neveridle run` makes one.")
    try:
        with closing(read_only(path)) as connection:
            yield SqliteReader(connection)
    except sqlite3.Error as error:
        explained = explain(error, path)
        raise (error if explained is error else explained) from error


def read_only(path: Path) -> sqlite3.Connection:
    """A connection to any SQLite file that writes nothing, and makes no file beside it."""
    # Where nobody has it open there is no log, and none is to be made beside it. In a folder
    # that cannot be written that is the only way, but an unread log would be overlooked.
    log = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    return sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True, timeout=5)
