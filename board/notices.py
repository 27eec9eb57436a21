"""What leaves the team: a row for each raise and target, sent at least once, some tries long."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, or_, select, update

from neveridle.board.inbox import item_from_row
from neveridle.board.inbox_item import Item
from neveridle.board.schema import inbox, notifications
from neveridle.board.sql import NOW, log
from neveridle.board.storable import storable

TRIES: Final = 5
"""How often one notice is tried to be sent."""
FIRST_AGAIN: Final = 30.0
"""Seconds until the second try; each time four times as long."""
LONGEST_AGAIN: Final = 3600.0
HOLD: Final = 120.0
"""Seconds after which another process may send what one has taken; longer than a send takes."""
TOGETHER: Final = 10
"""Notices that are sent at once."""
SHOWN: Final = 300
"""Characters of an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One raise of an item for one target.

    Attributes:
        target: ``dev``, or the name of a configured target.
        state: ``due``, ``sent`` or ``failed``.
        tries: how often it was tried, the try that is on its way included.
        error: why the last try failed; empty: it did not.
    """

    id: int
    item: int
    raise_: int
    target: str
    state: str
    tries: int
    due_at: float
    sent_at: float | None
    error: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A notice that this process sends now.

    Attributes:
        key: the same for each try: by it a receiver knows what it has already.
    """

    notice: Notice
    item: Item
    key: str


def any_to_send(c: Connection) -> bool:
    """Whether a notice is to be sent now."""
    return c.execute(select(notifications.c.id).where(_READY).limit(1)).first() is not None


_READY = (
    (notifications.c.state == "due")
    & (notifications.c.due_at <= NOW)
    & or_(notifications.c.held_until.is_(None), notifications.c.held_until <= NOW)
)


def take_notices(c: Connection, holder: str) -> list[Taken]:
    """Take what is to be sent now, emergencies first; what is over by now is given up."""
    query = (
        select(notifications.c.id)
        .join_from(notifications, inbox, inbox.c.id == notifications.c.item)
        .where(_READY)
        .order_by(inbox.c.level, notifications.c.id)  # EMERGENCY comes before HUMAN_ALERT
        .limit(TOGETHER)
    )
    taken: list[Taken] = []
    for number in c.scalars(query).all():
        mine = notifications.c.id == number
        row = c.execute(select(notifications).where(mine)).mappings().one()
        item = item_from_row(
            c.execute(select(inbox).where(inbox.c.id == row["item"])).mappings().one()
        )
        if item.closed_at is not None:
            said = f"It was {item.state} before it was told."
            c.execute(update(notifications).where(mine).values(state="failed", error=said))
            continue
        if row["tries"] >= TRIES:  # whoever tried last has died
            c.execute(update(notifications).where(mine).values(state="failed"))
            continue
        values = {"holder": holder, "held_until": NOW + HOLD, "tries": row["tries"] + 1}
        c.execute(update(notifications).where(mine).values(**values))
        notice = _notice({**row, "tries": row["tries"] + 1})
        taken.append(Taken(notice, item, key_of(item, notice)))
    return taken


def settle_notice(
    c: Connection, taken: Taken, holder: str, *, error: str = "", wait: float | None = None
) -> None:
    """Note what became of one.

    Args:
        c: the connection.
        taken: the notice.
        holder: who took it; where somebody else has taken it since, nothing is noted.
        error: why it was not sent, without secrets; empty: it was.
        wait: seconds for which the target does not want to be asked again; None: not said.
    """
    mine = (notifications.c.id == taken.notice.id) & (notifications.c.holder == holder)
    values: dict[str, Any] = {"holder": "", "held_until": None, "error": storable(error)[:SHOWN]}
    if not error:
        values |= {"state": "sent", "sent_at": NOW}
    elif taken.notice.tries >= TRIES:
        values["state"] = "failed"
    else:
        pause = FIRST_AGAIN * 4.0 ** (taken.notice.tries - 1)
        values["due_at"] = NOW + min(max(pause, wait or 0.0), LONGEST_AGAIN)
    noted = c.execute(update(notifications).where(mine).values(**values)).rowcount
    if noted and values.get("state") == "failed":
        data = {"item": taken.item.id, "raise": taken.notice.raise_,
                "target": taken.notice.target, "error": values["error"]}  # fmt: skip
        log(c, "inbox.not_told", data, task=taken.item.task)


def notices_of(c: Connection, item: int) -> Sequence[Notice]:
    """Whom an item was told to, and what came of it, in order."""
    query = select(notifications).where(notifications.c.item == item).order_by(notifications.c.id)
    return [_notice(row) for row in c.execute(query).mappings()]


def key_of(item: Item, notice: Notice) -> str:
    """The idempotency key of a raise for a target; other boards have others."""
    words = f"{item.fingerprint} {item.created_at!r} {item.id} {notice.raise_} {notice.target}"
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def _notice(row: Any) -> Notice:
    same = ("id", "item", "target", "state", "tries", "due_at", "sent_at", "error")
    return Notice(raise_=row["raise"], **{name: row[name] for name in same})
