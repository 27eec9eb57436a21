"""Giving space back while a team runs: PostgreSQL, which mostly does so by itself."""

from __future__ import annotations

import asyncio

import psycopg
from psycopg import sql

from neveridle.board.postgres.errors import explain
from neveridle.board.postgres.session import connect

TABLES = """
SELECT tablename FROM pg_tables
WHERE schemaname = current_schema() AND tableowner = current_user AND tablename <> 'clock'
ORDER BY tablename
"""
# The table `clock` is the gate of ordinary writes, and has one row that hardly changes.
SIZE = """
SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
"""


class PostgresUpkeep:
    """Upkeep of a board's database, on a connection of its own.

    Args:
        url: the database.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    async def reclaim(self) -> int:
        """Nothing: the server's autovacuum does it."""
        return 0

    async def vacuum(self) -> int:
        """Vacuum and analyze every table, one by one; bytes given back to the disk.

        Nobody waits for it: what is dead is made free to be used again. Little of it goes
        back to the disk; that would take a lock on the whole table.
        """
        return await asyncio.to_thread(self._vacuum)

    def _vacuum(self) -> int:
        try:
            with connect(self._url) as connection:
                connection.autocommit = True
                before = _size(connection)
                for (table,) in connection.execute(TABLES).fetchall():
                    connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
                return before - _size(connection)
        except psycopg.Error as error:
            explained = explain(error, self._url)
            raise (error if explained is error else explained) from error


def _size(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    row = connection.execute(SIZE).fetchone()
    return int(str(row[0] or 0)) if row else 0
