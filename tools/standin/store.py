"""What the stand-in holds, in a SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from neveridle.tools.standin.fault import Fault

T = TypeVar("T")

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, target TEXT, text TEXT);
CREATE TABLE IF NOT EXISTS states (target TEXT PRIMARY KEY, value TEXT, writes INTEGER);
CREATE TABLE IF NOT EXISTS faults (number INTEGER PRIMARY KEY AUTOINCREMENT, fault TEXT);
CREATE TABLE IF NOT EXISTS requests (number INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT);
CREATE TABLE IF NOT EXISTS released (number INTEGER PRIMARY KEY);
"""


class StandinStore:
    """Objects, states, planned faults, and the requests that came.

    Each use opens the file anew, so any thread or process may look at it.

    Args:
        path: the file; made when it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._connected() as c:
            c.executescript(SCHEMA)

    @contextmanager
    def _connected(self) -> Generator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._connected() as c:
            c.execute("BEGIN IMMEDIATE")
            try:
                result = work(c)
            except BaseException:  # rolled back, then raised on
                c.execute("ROLLBACK")
                raise
            c.execute("COMMIT")
            return result

    def create(self, target: str, text: str, key: str | None = None) -> dict[str, Any] | None:
        """Make an object; None: there is one of this client key already."""

        def work(c: sqlite3.Connection) -> dict[str, Any] | None:
            if (
                key is not None
                and c.execute("SELECT 1 FROM objects WHERE id = ?", (key,)).fetchone()
            ):
                return None
            c.execute(
                "INSERT INTO objects (id, target, text) VALUES (?, ?, ?)", (key, target, text)
            )
            number = c.execute("SELECT last_insert_rowid()").fetchone()[0]
            c.execute("UPDATE objects SET id = coalesce(id, number) WHERE number = ?", (number,))
            row = c.execute("SELECT id, target, text FROM objects WHERE number = ?", (number,))
            return _object(row.fetchone())

        return self._write(work)

    def delete(self, identity: str) -> bool:
        """Remove an object; whether it was there."""
        return self._write(
            lambda c: c.execute("DELETE FROM objects WHERE id = ?", (identity,)).rowcount > 0
        )

    def objects(self, *, key: str | None = None, marker: str | None = None) -> list[dict[str, Any]]:
        """The objects there are, oldest first.

        Args:
            key: only the one of this id.
            marker: only those whose text contains this.
        """
        with self._connected() as c:
            rows = c.execute("SELECT id, target, text FROM objects ORDER BY number").fetchall()
        found = [_object(row) for row in rows]
        return [
            one
            for one in found
            if (key is None or one["id"] == key) and (marker is None or marker in one["text"])
        ]

    def set(self, target: str, value: Any) -> dict[str, Any]:
        """Set a state."""
        text = json.dumps(value)

        def work(c: sqlite3.Connection) -> None:
            c.execute(
                "INSERT INTO states VALUES (?, ?, 1) ON CONFLICT (target) DO UPDATE"
                " SET value = excluded.value, writes = writes + 1",
                (target, text),
            )

        self._write(work)
        return {"target": target, "value": value}

    def states(self) -> dict[str, Any]:
        """The states by target."""
        with self._connected() as c:
            rows = c.execute("SELECT target, value FROM states").fetchall()
        return {target: json.loads(value) for target, value in rows}

    def plan(self, *faults: Fault) -> None:
        """Let these go wrong, each with the next request it fits."""

        def work(c: sqlite3.Connection) -> None:
            for fault in faults:
                text = json.dumps(fault.as_dict())
                c.execute("INSERT INTO faults (fault) VALUES (?)", (text,))

        self._write(work)

    def came(self, what: str) -> tuple[int, Fault | None]:
        """Note a request; its number, and what is to go wrong with it."""

        def work(c: sqlite3.Connection) -> tuple[int, Fault | None]:
            c.execute("INSERT INTO requests (what) VALUES (?)", (what,))
            request = int(c.execute("SELECT last_insert_rowid()").fetchone()[0])
            for number, text in c.execute("SELECT number, fault FROM faults ORDER BY number"):
                fault = Fault(**json.loads(text))
                if fault.on in ("*", what):
                    c.execute("DELETE FROM faults WHERE number = ?", (number,))
                    return request, fault
            return request, None

        return self._write(work)

    def requests(self, what: str | None = None) -> int:
        """How many requests came, of all kinds or of one: ``create``, ``set``, ``find``."""
        query = "SELECT count(*) FROM requests WHERE :what IS NULL OR what = :what"
        with self._connected() as c:
            return int(c.execute(query, {"what": what}).fetchone()[0])

    def let_go(self) -> None:
        """Answer all requests that came so far and are held."""
        self._write(
            lambda c: c.execute("INSERT OR IGNORE INTO released SELECT number FROM requests")
        )

    def is_let_go(self, request: int) -> bool:
        """Whether a held request is to be answered now."""
        with self._connected() as c:
            query = "SELECT 1 FROM released WHERE number = ?"
            return c.execute(query, (request,)).fetchone() is not None


def _object(row: tuple[Any, ...]) -> dict[str, Any]:
    return {"id": str(row[0]), "target": row[1], "text": row[2]}
