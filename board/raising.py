"""Telling people of what is in the inbox: when, how often, and how much at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from neveridle.board.alerts_found import HELD, HOUR, MORE, OUTAGE, POINT, STOPPED
from neveridle.board.inbox import find_item, item_from_row, put_item
from neveridle.board.inbox_item import Item, ItemKind, NewItem, code_of
from neveridle.board.messages import post
from neveridle.board.schema import inbox, notifications
from neveridle.board.sql import NOW, log

DEV: Final = "dev"
"""The target that is always there: the channel."""
AUTHOR: Final = "inbox"
"""Who says it there."""
AT_ONCE: Final = 1_000
"""Items that are looked at together."""
NAMED: Final = 5
"""Items that a summary names."""
LEVELS: Final = ("EMERGENCY", "HUMAN_ALERT")
"""Each has a cap of its own: no number of alerts keeps an emergency waiting."""
SAID: Final = (HELD, OUTAGE, POINT, STOPPED)
"""What whoever noticed it has said in the channel already, in the same transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How people are told.

    Attributes:
        remind: seconds until an open item is raised again; each time twice as long.
        reminders: how often it is raised again at most.
        per_hour: raises of a level in any hour, at most.
        targets: by level, the names of what is told besides the channel.
    """

    remind: float = 14_400.0
    reminders: int = 3
    per_hour: int = 12
    targets: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


def next_raise(raises: int, telling: Telling) -> float | None:
    """Seconds after a raise until the next one; None: there is none.

    Args:
        raises: how many there were, this one included.
        telling: how people are told.
    """
    return telling.remind * 2.0 ** (raises - 1) if raises <= telling.reminders else None


def any_due(c: Connection) -> bool:
    """Whether an item is to be raised, if the hour has room for it."""
    return c.execute(select(inbox.c.id).where(_DUE).limit(1)).first() is not None


_DUE = (inbox.c.state == "open") & (inbox.c.raise_at <= NOW)


def raise_due(c: Connection, telling: Telling) -> list[Item]:
    """Raise what is due, as far as the hour has room; the items as they are then.

    Where there is more than the hour has room for, its last raise is a summary that counts
    the rest, which is thereby told.
    """
    raised: list[Item] = []
    for level in LEVELS:
        room = telling.per_hour - _used(c, level)
        if room <= 0:
            continue
        due = _due(c, level)
        alone, rest = (due, []) if len(due) <= room else (due[: room - 1], due[room - 1 :])
        raised += [_raise(c, one, telling) for one in alone]
        if rest:
            summary = _raise(c, _summary(c, level, rest), telling)
            raised.append(summary)
            for one in rest:
                _count(c, one, telling)
    return raised


def room_left(c: Connection, telling: Telling) -> bool:
    """Whether anything that is due may be raised now."""
    levels = c.execute(select(inbox.c.level).where(_DUE).distinct()).scalars()
    return any(_used(c, str(level)) < telling.per_hour for level in levels)


def _used(c: Connection, level: str) -> int:
    """Raises of a level in the last hour."""
    query = (
        select(func.count())
        .select_from(notifications.join(inbox, inbox.c.id == notifications.c.item))
        .where(notifications.c.target == DEV, notifications.c.due_at > NOW - HOUR,
               inbox.c.level == level)
    )  # fmt: skip
    return int(c.execute(query).scalar_one())


def _due(c: Connection, level: str) -> list[Item]:
    query = (
        select(inbox)
        .where(_DUE, inbox.c.level == level)
        .order_by(inbox.c.raises, inbox.c.raise_at, inbox.c.id)
        .limit(AT_ONCE)
    )
    return [item_from_row(row) for row in c.execute(query).mappings()]


def _summary(c: Connection, level: str, rest: Sequence[Item]) -> Item:
    named = "\n".join(f"{one.id}: {one.title}" for one in rest[:NAMED])
    more = f"\n… and {len(rest) - NAMED} more" if len(rest) > NAMED else ""
    item = put_item(
        c,
        NewItem(
            kind=ItemKind.ALERT, fingerprint=f"alert:{MORE}:{level.lower()}", level=level,
            title=f"{len(rest)} more wait for a person: see `neveridle inbox`",
        ),
    )  # fmt: skip
    values = {
        "title": f"{len(rest)} more wait for a person: see `neveridle inbox`",
        "body": f"{named}{more}",
        "evidence": {"items": [one.id for one in rest[:100]], "count": len(rest)},
    }
    c.execute(update(inbox).where(inbox.c.id == item.id).values(**values))
    return find_item(c, item.id)


def _raise(c: Connection, item: Item, telling: Telling) -> Item:
    """Tell the channel of an item, and have its targets told."""
    told = _count(c, item, telling)
    common = {"item": told.id, "raise": told.raises, "due_at": NOW}
    c.execute(insert(notifications).values(**common, target=DEV, state="sent", sent_at=NOW))
    for target in telling.targets.get(told.level, ()):
        c.execute(insert(notifications).values(**common, target=target))
    if told.raises > 1 or code_of(told.fingerprint) not in SAID or told.level == "EMERGENCY":
        post(c, DEV, AUTHOR, words_of(told))
    return told


def _count(c: Connection, item: Item, telling: Telling) -> Item:
    raises = item.raises + 1
    after = None if code_of(item.fingerprint) == MORE else next_raise(raises, telling)
    values: dict[str, Any] = {"raises": raises, "raised_at": NOW}
    values["raise_at"] = None if after is None else NOW + after
    c.execute(update(inbox).where(inbox.c.id == item.id).values(**values))
    data = {"item": item.id, "raise": raises, "level": item.level, "kind": str(item.kind)}
    log(c, "inbox.raised", data, agent=item.agent, task=item.task, fence=item.fence)
    return find_item(c, item.id)


def words_of(item: Item) -> str:
    """What is said of an item in the channel."""
    loud = "EMERGENCY: " if item.level == "EMERGENCY" else ""
    again = f" (said {item.raises} times, nobody reacted)" if item.raises > 1 else ""
    often = f" It happened {item.count} times." if item.count > 1 else ""
    body = f"\n{item.body[:1000]}" if item.body else ""
    return f"@human {loud}{item.title}{again}.{often} [inbox {item.id}]{body}"
