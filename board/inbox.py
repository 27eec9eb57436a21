"""The inbox: what waits for a person, each thing once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from neveridle.board.database import Database
from neveridle.board.inbox_item import Item, ItemKind, ItemState, NewItem, code_of
from neveridle.board.rows import decoded
from neveridle.board.schema import inbox
from neveridle.board.sql import NOW, log
from neveridle.errors import NotFound, StateConflict

TITLE, BODY = 300, 8_000
"""Characters that are kept."""
EACH = 20
"""Open alerts of one code that are kept one by one; what is beyond is counted in one more."""


class Inbox:
    """``board.inbox``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, new: NewItem) -> Item:
        """Ask for an item; while the same is open, it only counts there."""
        return await self._database.write(lambda c: put_item(c, new))

    async def get(self, item: int) -> Item:
        """One item.

        Raises:
            NotFound: there is none with this id.
        """
        return await self._database.read(lambda c: find_item(c, item))

    async def find(
        self,
        *,
        state: ItemState | None = ItemState.OPEN,
        task: int | None = None,
        fingerprint: str | None = None,
        limit: int = 200,
    ) -> list[Item]:
        """Items, the newest first.

        Args:
            state: only those in this state; None: in any.
            task: only those of this task.
            fingerprint: only those with this one.
            limit: at most so many.
        """
        query = select(inbox).order_by(inbox.c.id.desc()).limit(limit)
        if state is not None:
            query = query.where(inbox.c.state == str(state))
        if task is not None:
            query = query.where(inbox.c.task_id == task)
        if fingerprint is not None:
            query = query.where(inbox.c.fingerprint == fingerprint)
        return await self._database.read(
            lambda c: [item_from_row(row) for row in c.execute(query).mappings()]
        )

    async def close(
        self, item: int, state: ItemState, *, answer: Mapping[str, Any] | None = None, by: str = ""
    ) -> Item:
        """Answer, dismiss or withdraw an item.

        Raises:
            NotFound: there is none with this id.
            StateConflict: it is closed already.
        """
        return await self._database.write(lambda c: close_item(c, item, state, answer, by))


def put_item(c: Connection, new: NewItem) -> Item:
    """The same inside a transaction of the caller."""
    known = _open_as(c, new.fingerprint)
    if known is None and new.kind is ItemKind.ALERT and _crowded(c, new.fingerprint):
        new = _one_of_many(new)
        known = _open_as(c, new.fingerprint)
    if known is not None:
        again: dict[str, Any] = {"count": inbox.c.count + 1, "seen_at": NOW}
        if new.level == "EMERGENCY" and known["level"] != new.level:
            again |= {"level": new.level, "raise_at": NOW}  # it has become worse: told at once
        c.execute(update(inbox).where(inbox.c.id == known["id"]).values(**again))
        return find_item(c, int(known["id"]))
    made = insert(inbox).values(
        kind=str(new.kind), level=new.level, fingerprint=new.fingerprint,
        title=new.title[:TITLE], body=new.body[:BODY], action=new.action,
        evidence=dict(new.evidence), agent=new.agent, task_id=new.task, fence=new.fence,
        interrupt=new.interrupt, created_at=NOW, seen_at=NOW, raise_at=NOW,
    )  # fmt: skip
    found = find_item(c, int(c.execute(made.returning(inbox.c.id)).scalar_one()))
    data = {"item": found.id, "kind": str(new.kind), "level": new.level, "title": found.title}
    log(c, "inbox.opened", data, agent=new.agent, task=new.task, fence=new.fence)
    return found


def _open_as(c: Connection, fingerprint: str) -> Any:
    same = select(inbox).where(inbox.c.fingerprint == fingerprint, inbox.c.state == "open")
    return c.execute(same).mappings().first()


def _crowded(c: Connection, fingerprint: str) -> bool:
    """Whether so many alerts of the same code are open that one more is only counted."""
    alike = inbox.c.fingerprint.startswith(f"alert:{code_of(fingerprint)}:", autoescape=True)
    query = select(func.count()).where(inbox.c.state == "open", alike)
    return not fingerprint.endswith(":*") and int(c.execute(query).scalar_one()) >= EACH


def _one_of_many(new: NewItem) -> NewItem:
    code = code_of(new.fingerprint)
    return replace(
        new, fingerprint=f"alert:{code}:*", title=f"More alerts of the kind {code}",
        body=f"The first of them: {new.title}\n{new.body}", agent=None, task=None, fence=None,
    )  # fmt: skip


def close_item(
    c: Connection, item: int, state: ItemState, answer: Mapping[str, Any] | None, by: str
) -> Item:
    """The same inside a transaction of the caller."""
    closed = c.execute(
        update(inbox)
        .where(inbox.c.id == item, inbox.c.state == "open")
        .values(state=str(state), answer=None if answer is None else dict(answer),
                answered_by=by, closed_at=NOW, raise_at=None)
    )  # fmt: skip
    found = find_item(c, item)
    if closed.rowcount == 0:
        msg = f"Item {item} is {found.state} already."
        raise StateConflict(msg, remedy="`neveridle inbox` shows what is open.")
    log(c, f"inbox.{state}", {"item": item, "by": by}, agent=found.agent, task=found.task,
        fence=found.fence)  # fmt: skip
    return found


def find_item(c: Connection, item: int) -> Item:
    """One item, inside a transaction.

    Raises:
        NotFound: there is none with this id.
    """
    row = c.execute(select(inbox).where(inbox.c.id == item)).mappings().first()
    if row is None:
        msg = f"There is no item {item} in the inbox."
        raise NotFound(msg, remedy="`neveridle inbox` shows what is open.")
    return item_from_row(row)


def item_from_row(row: Any) -> Item:
    """An item from its row."""
    same: Sequence[str] = (
        "id", "level", "fingerprint", "title", "body", "action", "agent", "fence", "interrupt",
        "answered_by", "count", "raises", "created_at", "seen_at", "raised_at", "raise_at",
        "closed_at",
    )  # fmt: skip
    return Item(
        kind=ItemKind(row["kind"]), state=ItemState(row["state"]), task=row["task_id"],
        evidence=decoded(row["evidence"]) or {}, answer=decoded(row["answer"]),
        **{name: row[name] for name in same},
    )  # fmt: skip
