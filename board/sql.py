"""Pieces of SQL shared by the board's ordinary queries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, ScalarSelect, select, update

from neveridle.board.schema import board_clock, wakeups

NOW: ScalarSelect[float] = select(board_clock.c.now).scalar_subquery()
"""The board's time, for use inside any statement."""

# Nearly every transaction logs something: what SQLAlchemy does around a statement of its own
# would take seven times as long as all else that an event takes.
_LOG = {
    "sqlite": "INSERT INTO events (at, kind, agent, run, task_id, fence, data) "
    "SELECT now, ?, ?, ?, ?, ?, ? FROM board_clock",
    "postgresql": "INSERT INTO events (at, kind, agent, run, task_id, fence, data) "
    "SELECT now, %s::text, %s::text, %s::text, %s::integer, %s::integer, %s::json "
    "FROM board_clock",
}


def log(
    connection: Connection,
    kind: str,
    data: Mapping[str, Any],
    *,
    agent: str | None = None,
    run: str | None = None,
    task: int | None = None,
    fence: int | None = None,
) -> None:
    """Append an event in the caller's transaction."""
    said = json.dumps(dict(data), separators=(",", ":"))
    connection.exec_driver_sql(_LOG[connection.dialect.name], (kind, agent, run, task, fence, said))


def wake(connection: Connection) -> None:
    """Tell whoever rests that something became runnable, once this is committed."""
    connection.execute(update(wakeups).values(version=wakeups.c.version + 1))
    connection.info["neveridle_woke"] = True  # a database that can tell others, tells them
