"""Pieces of SQL shared by the board's ordinary queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, ScalarSelect, insert, select, update

from neveridle.board.schema import board_clock, events, wakeups

NOW: ScalarSelect[float] = select(board_clock.c.now).scalar_subquery()
"""The board's time, for use inside any statement."""


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
    connection.execute(
        insert(events).values(
            at=NOW, kind=kind, agent=agent, run=run, task_id=task, fence=fence, data=dict(data)
        )
    )


def wake(connection: Connection) -> None:
    """Tell whoever rests that something became runnable, once this is committed."""
    connection.execute(update(wakeups).values(version=wakeups.c.version + 1))
    connection.info["neveridle_woke"] = True  # a database that can tell others, tells them
