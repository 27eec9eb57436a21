"""The append-only log."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from neveridle.board.database import Database
from neveridle.board.event import Event
from neveridle.board.schema import events

FIELDS = [events.c[name] for name in Event.__dataclass_fields__]
"""The columns of an event; those that the database works out are not among them."""


class Events:
    """``board.events``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(
        self,
        kind: str,
        data: dict[str, Any] | None = None,
        *,
        agent: str | None = None,
        run: str | None = None,
        task: int | None = None,
        fence: int | None = None,
    ) -> None:
        """Append one event; ``kind`` is ``noun.verb``."""
        await self._database.hot.event(
            kind, agent=agent, run=run, task=task, fence=fence, data=data or {}
        )

    async def newest(self) -> int:
        """The id of the newest event; 0: there is none."""
        query = select(func.max(events.c.id))
        return await self._database.read(lambda c: int(c.execute(query).scalar() or 0))

    async def find(
        self,
        *,
        kind: str | None = None,
        task: int | None = None,
        after: int = 0,
        limit: int = 1000,
    ) -> list[Event]:
        """Events, oldest first.

        Args:
            kind: only of this kind.
            task: only of this task.
            after: only with a higher id: for following the log.
            limit: at most so many.
        """
        query = select(*FIELDS).where(events.c.id > after).order_by(events.c.id).limit(limit)
        if kind is not None:
            query = query.where(events.c.kind == kind)
        if task is not None:
            query = query.where(events.c.task_id == task)
        return await self._database.read(
            lambda c: [Event(**dict(row)) for row in c.execute(query).mappings()]
        )
