"""A board on PostgreSQL at one moment, for reading metrics."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from neveridle.board.metrics.reading import chunks, for_psycopg
from neveridle.board.postgres.errors import explain
from neveridle.board.postgres.session import connect

# All there is to read lies in indexes; a plan that reads the rows instead takes many times as long.
ALONG = "SET jit = off; SET enable_seqscan = off; SET enable_bitmapscan = off"


class PostgresSnapshot:
    """See ``neveridle.board.metrics.reading.Snapshot``."""

    def __init__(self, connection: psycopg.Connection[Any], sql: Mapping[str, str]) -> None:
        self._connection = connection
        self._sql = {name: for_psycopg(query) for name, query in sql.items()}

    def rows(self, name: str, **values: Any) -> list[Sequence[Any]]:
        """See ``Snapshot``."""
        return list(self._connection.execute(self._sql[name], values or None).fetchall())

    def among(self, name: str, ids: Iterable[int]) -> list[Sequence[Any]]:
        """See ``Snapshot``."""
        return [row for part in chunks(ids) for row in self.rows(name, ids=part)]


@contextmanager
def postgres_snapshot(
    url: str, sql: Mapping[str, str], patience: int
) -> Generator[PostgresSnapshot]:
    """A transaction that only reads, all of one moment. Blocking.

    Args:
        url: the board's.
        sql: the named statements.
        patience: milliseconds one of them may take.

    Raises:
        BoardUnusable: the database cannot be reached or read.
    """
    try:
        with connect(url) as connection:
            connection.execute(f"SET statement_timeout = {int(patience)};{ALONG}".encode())
            connection.commit()
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield PostgresSnapshot(connection, sql)
    except psycopg.Error as error:
        explained = explain(error, url)
        raise (error if explained is error else explained) from error
