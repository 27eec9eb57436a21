"""Alerts: opened when something is wrong, told of, and withdrawn when it is over."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from neveridle.board import notices
from neveridle.board.alerts_found import FAILED, HELD, STOPPED, Found, find_wrong, over
from neveridle.board.database import Database
from neveridle.board.inbox import close_item, item_from_row, put_item
from neveridle.board.inbox_item import Item, ItemKind, ItemState, NewItem, code_of
from neveridle.board.raising import Telling, any_due, raise_due, room_left
from neveridle.board.schema import inbox, syncs
from neveridle.board.sql import NOW, log

SOURCE: Final = "alerts"
"""The row of ``syncs`` that says what was wrong at the last look."""
OPEN: Final = 1_000
"""Open items that are looked at."""
AGENTS: Final = 50
"""Stopped agents that one alert lists."""

Levels = Callable[[Found], str | None]
"""The level of what was found; None: nobody is called for it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a look did: the items that were opened, withdrawn and raised by it."""

    opened: Sequence[Item] = ()
    withdrawn: Sequence[Item] = ()
    raised: Sequence[Item] = ()


class Alerts:
    """``board.alerts``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, new: NewItem, *, code: str) -> Item:
        """Open an alert, or count where the same is open; one that is new is an escalation."""

        def work(c: Connection) -> Item:
            item = put_item(c, new)
            if item.count == 1 and code != FAILED:  # of a failure it is said with the attempt's end
                _escalated(c, item, code)
            return item

        return await self._database.write(work)

    async def put_stopped(self, new: NewItem, *, agent: str, run: str, code: str) -> Item:
        """Open an alert that an agent stopped, or note one more there.

        It is over once all of them take tasks again.
        """

        def work(c: Connection) -> Item:
            item = put_item(c, new)
            runs: dict[str, str] = {**(item.evidence.get("runs") or {}), agent: run}
            kept = {**item.evidence, "runs": dict(list(runs.items())[:AGENTS])}
            c.execute(update(inbox).where(inbox.c.id == item.id).values(evidence=kept))
            if item.count == 1:
                _escalated(c, item, code)
            return item

        return await self._database.write(work)

    async def look(self, levels: Levels, telling: Telling) -> bool:
        """Whether ``keep`` has something to do. Writes nothing."""

        def work(c: Connection) -> bool:
            wrong = _called_for(c, levels)
            if {one.fingerprint for one in wrong} != _known(c):
                return True
            if over(c, _open(c), wrong):
                return True
            return any_due(c) and room_left(c, telling)

        return await self._database.read(work)

    async def keep(self, levels: Levels, telling: Telling) -> Kept:
        """Open what is wrong, withdraw what is over, raise what is due: all or nothing.

        What is wrong already when a person dismisses its alert stays dismissed until it was
        over and comes back.

        Args:
            levels: whom to call for what.
            telling: how people are told.
        """

        def work(c: Connection) -> Kept:
            wrong, before = _called_for(c, levels), _known(c)
            withdrawn = [
                close_item(c, one.id, ItemState.WITHDRAWN, None, "")
                for one in over(c, _open(c), wrong)
            ]
            opened = _open_new(c, [one for one in wrong if one.fingerprint not in before], levels)
            now = sorted({one.fingerprint for one in wrong})
            if set(now) != before:
                _note(c, json.dumps(now))
            return Kept(opened, withdrawn, raise_due(c, telling))

        return await self._database.write(work)

    async def any_to_send(self) -> bool:
        """Whether something is to be sent to a target now. Writes nothing."""
        return await self._database.read(notices.any_to_send)

    async def take(self, holder: str) -> list[notices.Taken]:
        """Take what is to be sent now; nobody else does before ``HOLD`` is over."""
        return await self._database.write(lambda c: notices.take_notices(c, holder))

    async def settle(
        self, taken: notices.Taken, holder: str, *, error: str = "", wait: float | None = None
    ) -> None:
        """Note what became of it; see ``settle_notice``."""
        await self._database.write(
            lambda c: notices.settle_notice(c, taken, holder, error=error, wait=wait)
        )

    async def notices(self, item: int) -> Sequence[notices.Notice]:
        """Whom an item was told to, and what came of it, in order."""
        return await self._database.read(lambda c: notices.notices_of(c, item))


def _called_for(c: Connection, levels: Levels) -> list[Found]:
    return [one for one in find_wrong(c) if levels(one) is not None]


def _open_new(c: Connection, wrong: Sequence[Found], levels: Levels) -> list[Item]:
    items = _open(c)
    prints = {one.fingerprint for one in items}
    tasks = {one.task for one in items if one.task is not None}
    stopped = [one for one in items if code_of(one.fingerprint) == STOPPED]
    told = {str(one.evidence.get("service")) for one in stopped}
    opened: list[Item] = []
    for one in wrong:
        level = levels(one)
        # Whoever asks for a person at this task has opened something already.
        asked = one.fingerprint in prints or (one.task is not None and one.task in tasks)
        if level is None or asked or (one.code == HELD and one.service in told):
            continue
        item = put_item(c, _new(one, level))
        if item.count == 1 and one.code != FAILED:
            _escalated(c, item, one.error or one.code)
        opened.append(item)
    return opened


def _new(found: Found, level: str) -> NewItem:
    evidence: Mapping[str, Any] = {**found.evidence, "code": found.error or found.code}
    return NewItem(
        kind=ItemKind.ALERT, fingerprint=found.fingerprint, title=found.title, body=found.body,
        level=level, evidence=evidence, agent=found.evidence.get("agent"), task=found.task,
    )  # fmt: skip


def _escalated(c: Connection, item: Item, code: str) -> None:
    kind = "team.escalated" if item.task is None else "task.escalated"
    data = {"level": item.level, "code": code, "to": "human", "item": item.id}
    log(c, kind, data, agent=item.agent, task=item.task, fence=item.fence)


def _open(c: Connection) -> list[Item]:
    """The open items; of so many that not all are looked at, the oldest."""
    query = select(inbox).where(inbox.c.state == "open").order_by(inbox.c.id).limit(OPEN)
    return [item_from_row(row) for row in c.execute(query).mappings()]


def _known(c: Connection) -> set[str]:
    query = select(syncs.c.token).where(syncs.c.source == SOURCE)
    return set(json.loads(str(c.execute(query).scalar() or "[]")))


def _note(c: Connection, token: str) -> None:
    values = {"token": token, "synced_at": NOW}
    mine = update(syncs).where(syncs.c.source == SOURCE)
    if not c.execute(mine.values(**values)).rowcount:
        c.execute(insert(syncs).values(source=SOURCE, **values))
