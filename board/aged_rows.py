"""Rows that age by themselves: events, messages, runs, the inbox, outages, sync points,
loose effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
)

from neveridle.board.aging import Page
from neveridle.board.schema import (
    attempts,
    effects,
    events,
    inbox,
    messages,
    outages,
    permits,
    runs,
    sync_points,
    tasks,
)
from neveridle.board.task import OPEN_STATES

ROWS = 500
"""Rows looked at, and at most removed, in one transaction."""
OPEN = [str(state) for state in OPEN_STATES]

Condition = Callable[[float], "ColumnElement[bool]"]


@dataclass(frozen=True, slots=True)
class AgedRows:
    """Rows of one table, walked through in the order of their keys.

    Args:
        name: what they are called in reports.
        by: the field of ``Ages`` that says how long they are kept.
        table: the table; its first column is its key.
        old: which rows are old, given the time before which that is so.
        needed: which of the old ones stay all the same.
        in_order: whether keys rise with age, so that nothing old follows what is not.
    """

    name: str
    by: str
    table: Table
    old: Condition
    needed: Condition
    in_order: bool = False

    def page(self, c: Connection, before: float, after: Any) -> Page:
        """See ``Aged``."""
        key = self.table.c[0]
        query = select(key, self.old(before), self.needed(before)).order_by(key).limit(ROWS)
        if not self.in_order:
            query = query.where(self.old(before))
        if after is not None:
            query = query.where(key > after)
        rows = c.execute(query).all()
        goes = [row[0] for row in rows if row[1] and not row[2]]
        over = len(rows) < ROWS or not rows[-1][1]
        return Page(goes, None if over else rows[-1][0])

    def remove(self, c: Connection, keys: Sequence[Any]) -> None:
        """See ``Aged``."""
        c.execute(delete(self.table).where(self.table.c[0].in_(keys)))


def _task_matters(before: float) -> ColumnElement[bool]:
    """The event's task is open, or ended so lately that its whole story is still counted."""
    return exists(
        select(tasks.c.id).where(
            tasks.c.id == events.c.task_id,
            or_(tasks.c.state.in_(OPEN), tasks.c.completed_at >= before),
        )
    )


def _at_work(before: float) -> ColumnElement[bool]:
    del before
    return exists(
        select(attempts.c.run).where(attempts.c.run == runs.c.id, attempts.c.state == "active")
    )


def _dispatch_open(before: float) -> ColumnElement[bool]:
    del before
    return exists(
        select(tasks.c.id).where(tasks.c.id == sync_points.c.dispatch_id, tasks.c.state.in_(OPEN))
    )


def _task_there(before: float) -> ColumnElement[bool]:
    del before
    return exists(select(tasks.c.id).where(tasks.c.id == effects.c.task_id))


def _asker_open(before: float) -> ColumnElement[bool]:
    """What was said may still be asked for: a yes holds as long as its task is open."""
    del before
    still = exists(select(tasks.c.id).where(tasks.c.id == inbox.c.task_id, tasks.c.state.in_(OPEN)))
    return and_(inbox.c.kind != "alert", still)


def _nothing(before: float) -> ColumnElement[bool]:
    del before
    return literal(value=False)


AGED_ROWS = (
    AgedRows("events", "events", events, lambda t: events.c.at < t, _task_matters, in_order=True),
    AgedRows("messages", "events", messages, lambda t: messages.c.at < t, _nothing, in_order=True),
    AgedRows(
        "runs", "events", runs,
        lambda t: func.coalesce(runs.c.ended_at, runs.c.heartbeat_at) < t, _at_work,
    ),
    AgedRows("permits", "events", permits, lambda t: permits.c.until < t, _nothing),
    # With what was told of them; those that are open stay, however old, and answers to who asks.
    AgedRows(
        "inbox", "events", inbox,
        lambda t: and_(inbox.c.state != "open", inbox.c.closed_at < t), _asker_open,
    ),
    AgedRows("outages", "events", outages, lambda t: outages.c.ended_at < t, _nothing),
    AgedRows(
        "sync_points", "tasks", sync_points,
        lambda t: and_(sync_points.c.state != "open", sync_points.c.closed_at < t), _dispatch_open,
    ),
    # Those of a task go with it.
    AgedRows(
        "effects", "tasks", effects,
        lambda t: and_(effects.c.state != "intended",
                       func.coalesce(effects.c.settled_at, effects.c.created_at) < t),
        _task_there,
    ),
)  # fmt: skip
