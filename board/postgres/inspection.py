"""Looking at a board on PostgreSQL without writing to it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from neveridle.board.postgres.errors import explain
from neveridle.board.postgres.session import connect

LIMITS = b"""
SET default_transaction_read_only = on;
SET statement_timeout = '10s';
SET lock_timeout = '2s';
"""


class PostgresReader:
    """See ``neveridle.board.inspection.Reader``."""

    kind = "postgresql"

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def rows(self, query: str) -> list[Sequence[Any]]:
        """The rows of a query."""
        return list(self._connection.execute(query.encode()).fetchall())


@contextmanager
def postgres_reading(url: str) -> Generator[PostgresReader]:
    """A connection that can only read. Blocking.

    Raises:
        BoardUnusable: the database cannot be reached or read.
    """
    try:
        with connect(url) as connection:
            connection.autocommit = True
            connection.execute(LIMITS, prepare=False)
            yield PostgresReader(connection)
    except psycopg.Error as error:
        explained = explain(error, url)
        raise (error if explained is error else explained) from error
