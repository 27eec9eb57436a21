"""Merging and retiring memories on the board, in steps that can be undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from neveridle.board.database import Database
from neveridle.board.memories.reading import BARE, COLUMNS, memory_of
from neveridle.board.memories.undoing import undo
from neveridle.board.memories.writing import next_revision
from neveridle.board.memory_row import MemoryRow, Signals
from neveridle.board.schema import (
    board_clock,
    consolidation_steps,
    consolidations,
    memories,
    memory_signals,
)
from neveridle.board.sql import NOW

DAY = 86_400.0
# The bare row of one that was forgotten says when that was.
_LESSON = (memories.c.kind == "learning") & (memories.c.state != "forgotten")


@dataclass(frozen=True, slots=True)
class Step:
    """One memory that changes.

    Attributes:
        row: as it was when this was planned.
        after: the fields that change: ``state``, ``superseded_by``, ``strength``, ``tags``,
            ``importance``.
    """

    row: MemoryRow
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Consolidation:
    """Something that was done to memories at once.

    Attributes:
        id: its number, by which it is undone.
        agent: whose memories; empty: the team's.
        cause: ``count``, ``weekly``, ``person`` or ``review``.
        at: when, by the board's clock.
        undone_at: when it was undone; None: it was not.
        changed: how many memories it changed.
    """

    id: int
    agent: str
    cause: str
    at: float
    undone_at: float | None
    changed: int


class Consolidations:
    """``board.memories.consolidations``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def candidates(
        self, *, agent: str | None, kinds: Sequence[str], limit: int
    ) -> list[tuple[MemoryRow, Signals]]:
        """At most ``limit`` live memories that stand by themselves, newest first.

        Args:
            agent: only this agent's; None: everybody's.
            kinds: of these kinds.
            limit: how many at most.
        """
        query = (
            select(*COLUMNS, memory_signals.c.model, memory_signals.c.dense)
            .join_from(memories, memory_signals, isouter=True)
            .where(memories.c.state == "live", memories.c.kind.in_(list(kinds)),
                   memories.c.episode_id.is_(None))
            .order_by(memories.c.id.desc())
            .limit(limit)
        )  # fmt: skip
        if agent is not None:
            query = query.where(memories.c.agent == agent)
        return await self._database.read(
            lambda c: [
                (memory_of(r), Signals(r["model"] or "", None, r["dense"]))
                for r in c.execute(query).mappings()
            ]
        )

    async def apply(
        self, groups: Sequence[Sequence[Step]], *, agent: str, cause: str
    ) -> tuple[Consolidation, int]:
        """Do what was planned, in one transaction; what was done, and how many groups were not.

        A group is done whole or not at all: not where one of its memories has changed since.
        That it was looked at is noted where nothing was done, too.

        Args:
            groups: what changes together.
            agent: whose memories were looked at; empty: the team's.
            cause: why; see ``Consolidation``.
        """

        def work(c: Connection) -> tuple[Consolidation, int]:
            revision = next_revision(c, max(1, sum(len(group) for group in groups)))
            steps, left = _current(c, groups)
            empty = _empty() & (consolidations.c.agent == agent)
            c.execute(delete(consolidations).where(empty))
            key = c.execute(
                insert(consolidations).values(agent=agent, cause=cause, at=NOW)
            ).inserted_primary_key
            assert key is not None
            made = int(key[0])
            for number, step in enumerate(steps, start=revision):
                values = dict(step.after)
                before = {name: _field(step.row, name) for name in values}
                c.execute(
                    update(memories)
                    .where(memories.c.id == step.row.id)
                    .values(**values, revision=number)
                )
                c.execute(
                    insert(consolidation_steps).values(
                        consolidation_id=made, memory_id=step.row.id, before=before, after=values
                    )
                )
            return _find(c, made), left

        return await self._database.write(work)

    async def undo(self, consolidation: int | None = None) -> Consolidation:
        """Restore what a consolidation changed; None: the newest that is not undone.

        Raises:
            NotFound: there is none.
            StateConflict: it is undone already, or its memories have changed since; the
                message names them.
        """

        def work(c: Connection) -> Consolidation:
            return _find(c, undo(c, consolidation))

        return await self._database.write(work)

    async def latest(self, limit: int = 20) -> list[Consolidation]:
        """The newest that changed something, newest first."""
        query = _query().where(~_empty()).order_by(consolidations.c.id.desc()).limit(limit)
        return await self._database.read(
            lambda c: [_consolidation(row) for row in c.execute(query).mappings()]
        )

    async def count_due(self, agent: str, after: int) -> bool:
        """Whether an agent has learnt ``after`` lessons since its memories were looked at.

        Args:
            agent: the agent.
            after: how many lessons; 0: never.
        """
        if after <= 0:
            return False
        nth = (
            select(memories.c.stored_at)
            .where(memories.c.agent == agent, _LESSON)
            .order_by(memories.c.id.desc())
            .offset(after - 1)
            .limit(1)
        )
        last = select(func.max(consolidations.c.at)).where(
            consolidations.c.agent.in_(("", agent)), consolidations.c.cause != "review"
        )

        def work(c: Connection) -> bool:
            stored, looked = c.execute(nth).scalar(), c.execute(last).scalar()
            return stored is not None and (looked is None or float(stored) > float(looked))

        return await self._database.read(work)

    async def days_due(self, days: float) -> bool:
        """Whether the team's memories were last looked at so many days ago, and some are newer."""
        last = select(func.max(consolidations.c.at)).where(
            consolidations.c.agent == "", consolidations.c.cause != "review"
        )
        first = select(memories.c.stored_at).where(_LESSON).order_by(memories.c.id).limit(1)
        newest = select(memories.c.stored_at).where(_LESSON).order_by(memories.c.id.desc()).limit(1)

        def work(c: Connection) -> bool:
            now = float(c.execute(select(board_clock.c.now)).scalar_one())
            began = c.execute(first).scalar()
            if began is None:
                return False
            looked = c.execute(last).scalar()
            since = float(began if looked is None else looked)
            new = looked is None or float(c.execute(newest).scalar_one()) > since
            return new and now - since >= days * DAY

        return await self._database.read(work)


def _current(c: Connection, groups: Sequence[Sequence[Step]]) -> tuple[list[Step], int]:
    """The steps of the groups whose memories are as they were planned with, and other groups."""
    steps: list[Step] = []
    left = 0
    for group in groups:
        ids = [step.row.id for step in group]
        query = select(*BARE).where(memories.c.id.in_(ids))
        now = {int(row["id"]): int(row["revision"]) for row in c.execute(query).mappings()}
        if all(now.get(step.row.id) == step.row.revision for step in group):
            steps += group
        else:
            left += 1
    return steps, left


def _field(row: MemoryRow, name: str) -> Any:
    value = getattr(row, name)
    return list(value) if name == "tags" else value


def _empty() -> ColumnElement[bool]:
    return consolidations.c.id.not_in(select(consolidation_steps.c.consolidation_id))


def _query() -> Any:
    changed = (
        select(func.count())
        .where(consolidation_steps.c.consolidation_id == consolidations.c.id)
        .scalar_subquery()
    )
    return select(consolidations, changed.label("changed"))


def _find(c: Connection, consolidation: int) -> Consolidation:
    row = c.execute(_query().where(consolidations.c.id == consolidation)).mappings().one()
    return _consolidation(row)


def _consolidation(row: Mapping[Any, Any]) -> Consolidation:
    return Consolidation(
        row["id"], row["agent"], row["cause"], row["at"], row["undone_at"], row["changed"]
    )
