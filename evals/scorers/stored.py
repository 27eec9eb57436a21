"""What a run left in its SQLite databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from neveridle.evals.play import Played

HOME = ".neveridle"
"""The folder in the stage that holds the board and the checkpoints."""


def messages(played: Played) -> list[str]:
    """The words of all messages between agents, the first first."""
    path = played.folder / HOME / "board.db"
    if not path.is_file():
        return []
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT content FROM messages ORDER BY id").fetchall()
    return [str(row[0]) for row in rows]


def databases(folder: Path) -> Iterator[Path]:
    """The databases of a run."""
    home = folder / HOME
    if home.is_dir():
        yield from sorted(path for path in home.glob("*.db") if path.is_file())


def cells(path: Path) -> Iterator[tuple[str, str]]:
    """Every text and blob of a database, with the table's and the column's name.

    Bytes are read as Latin-1, so that ASCII that stands in them is found.
    """
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        connection.text_factory = _text
        tables = [
            str(row[0])
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        for table in tables:
            quoted = '"' + table.replace('"', '""') + '"'
            cursor = connection.execute(f"SELECT * FROM {quoted}")  # noqa: S608 - a table's own name
            columns = [str(column[0]) for column in cursor.description]
            for row in cursor:
                for column, value in zip(columns, row, strict=True):
                    if isinstance(value, bytes):
                        yield f"{path.name} {table}.{column}", value.decode("latin-1")
                    elif isinstance(value, str):
                        yield f"{path.name} {table}.{column}", value


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
