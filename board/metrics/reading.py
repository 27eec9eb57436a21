"""Reads the facts of windows of time, all of one moment, on a connection of its own."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

from neveridle.board.fact_kinds import ENDINGS
from neveridle.board.queries import load_queries
from neveridle.board.sqlite.connection import explain

CHUNK: Final = 1_000
"""Rows that are asked for by their ids at once."""
PATIENCE: Final = 60_000
"""Milliseconds one query may take on PostgreSQL."""


class Snapshot(Protocol):
    """A board at one moment."""

    def rows(self, name: str, **values: Any) -> list[Sequence[Any]]:
        """The rows of a named query."""
        ...

    def among(self, name: str, ids: Iterable[int]) -> list[Sequence[Any]]:
        """The rows of a named query of many ids."""
        ...


@contextmanager
def snapshot_of(url: str) -> Generator[Snapshot]:
    """A board at one moment. Blocking; the board is open already.

    Args:
        url: the board's.

    Raises:
        BoardUnusable: it cannot be read.
    """
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        try:
            with closing(
                sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5)
            ) as connection:
                connection.isolation_level = None
                connection.execute("BEGIN")
                yield _Sqlite(connection)
        except sqlite3.Error as error:
            explained = explain(error, path)
            raise (error if explained is error else explained) from error
        return
    from neveridle.board.metrics.postgres import postgres_snapshot

    with postgres_snapshot(url, queries(_POSTGRES), PATIENCE) as snapshot:
        yield snapshot


# SQLite keeps no statistics unless it is told to: it is told which index holds all there is
# to read instead.
_SQLITE: Final = {
    "by_spent": "INDEXED BY ix_events_spent",
    "by_services": "INDEXED BY ix_events_services",
    "by_ends": "INDEXED BY ix_events_ends",
    "by_claims": "INDEXED BY ix_events_claims",
    "among": "IN (SELECT value FROM json_each(:ids))",
}
_POSTGRES: Final = {
    "by_spent": "", "by_services": "", "by_ends": "", "by_claims": "",
    "among": "= ANY(CAST(:ids AS bigint[]))",
}  # fmt: skip


def queries(words: Mapping[str, str]) -> dict[str, str]:
    """The named statements, in the words of one database."""
    found = load_queries("neveridle.board.metrics", "metrics.sql")
    return {name: sql.format(**words, endings=ENDINGS) for name, sql in found.items()}


def for_psycopg(sql: str) -> bytes:
    """A statement with its values named as psycopg wants them."""
    return re.sub(r":([a-z]+)", r"%(\1)s", sql).encode()


class _Sqlite:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._sql = queries(_SQLITE)

    def rows(self, name: str, **values: Any) -> list[Sequence[Any]]:
        """See ``Snapshot``."""
        return self._connection.execute(self._sql[name], values).fetchall()

    def among(self, name: str, ids: Iterable[int]) -> list[Sequence[Any]]:
        """See ``Snapshot``."""
        return [row for part in chunks(ids) for row in self.rows(name, ids=json.dumps(part))]


def chunks(ids: Iterable[int]) -> Generator[list[int]]:
    """Ids in lists of bounded length, each id once."""
    left = sorted(set(ids))
    for begin in range(0, len(left), CHUNK):
        yield left[begin : begin + CHUNK]
