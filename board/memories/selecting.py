"""Memories by what they are, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from neveridle.board.database import Database
from neveridle.board.memories.reading import COLUMNS, memory_of
from neveridle.board.memory_row import MemoryRow, NewMemory
from neveridle.board.schema import memories
from neveridle.board.selection import Selection

_PAGE = 500  # rows read at once


class SelectedRows:
    """A part of ``board.memories``: going through many memories without holding them all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def select(
        self, which: Selection, limit: int, *, after: int | None = None, newest: bool = False
    ) -> list[MemoryRow]:
        """At most ``limit`` of the memories that are meant, by rising ids.

        Args:
            which: those that are meant.
            limit: how many at most.
            after: only ids behind this one, to read on.
            newest: by falling ids instead; what is behind an id is then below it.
        """
        found: list[MemoryRow] = []
        while len(found) < limit:
            query = (
                select(*COLUMNS)
                .where(*_conditions(which))
                .order_by(memories.c.id.desc() if newest else memories.c.id)
                .limit(max(_PAGE, limit - len(found)))
            )
            if after is not None:
                query = query.where(memories.c.id < after if newest else memories.c.id > after)
            page = await self._database.read(partial(_rows, query))
            if not page:
                break
            found += [row for row in page if which.has(row)]
            after = page[-1].id
        return found[:limit]

    async def known(self, new: Sequence[NewMemory]) -> list[int | None]:
        """For each memory, the id of the one that is there already; None: it is new.

        As ``add_unknown`` tells it; for who wants to know before computing anything.
        """
        from neveridle.board.memories.episodes import known_of

        return await self._database.read(lambda c: known_of(c, new))


def _rows(query: Select[Any], c: Connection) -> list[MemoryRow]:
    return [memory_of(row) for row in c.execute(query).mappings()]


def _conditions(which: Selection) -> list[ColumnElement[bool]]:
    said: list[ColumnElement[bool]] = [memories.c.state.in_(sorted(which.states))]
    if which.ids is not None:
        said.append(memories.c.id.in_(sorted(which.ids)))
    if which.agent is not None:
        said.append(memories.c.agent == which.agent)
    if which.source is not None:
        said.append(memories.c.source.startswith(which.source, autoescape=True))
    if which.kinds:
        said.append(memories.c.kind.in_(sorted(which.kinds)))
    if which.before is not None:
        said.append(memories.c.at < which.before)
    if which.since is not None:
        said.append(memories.c.at >= which.since)
    if which.shared:
        said.append(memories.c.visibility != "private")
    return said
