"""Who waits for which answer, inside transactions of the caller."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from neveridle.board.dependencies import remove_edge
from neveridle.board.inbox import close_item
from neveridle.board.inbox_item import ItemKind, ItemState
from neveridle.board.lineage import wake_for
from neveridle.board.questions import ASKED, HUMAN
from neveridle.board.rows import decoded
from neveridle.board.schema import inbox, task_links, tasks
from neveridle.board.sql import NOW
from neveridle.board.task import Task

SPEND = "spend"
"""The action of an approval that lets a task cost more."""
DECIDED = (str(ItemState.ANSWERED), str(ItemState.DISMISSED))
ANSWERABLE = (str(ItemKind.QUESTION), str(ItemKind.APPROVAL))


def open_items(c: Connection, task: int) -> list[int]:
    """The ids of what a task waits for people for."""
    query = select(inbox.c.id).where(
        inbox.c.task_id == task, inbox.c.state == "open", inbox.c.kind.in_(ANSWERABLE)
    )
    return [int(one) for one in c.scalars(query.order_by(inbox.c.id))]


def withdraw_items(c: Connection, task: int, *, but: frozenset[str] = frozenset()) -> None:
    """Nobody needs to answer what a task asked: all of it, but these fingerprints."""
    query = select(inbox.c.id).where(
        inbox.c.task_id == task,
        inbox.c.state == "open",
        inbox.c.kind.in_(ANSWERABLE),
        inbox.c.fingerprint.not_in(but),
    )
    for item in c.scalars(query.order_by(inbox.c.id)).all():
        close_item(c, int(item), ItemState.WITHDRAWN, None, "")


def go_on(c: Connection, task: Task) -> bool:
    """Make a task runnable that waits for people, once they have answered all; whether it is."""
    if task.state != "waiting" or task.waiting_on != HUMAN or open_items(c, task.id):
        return False
    c.execute(
        update(tasks)
        .where(tasks.c.id == task.id)
        .values(state="pending", waiting_on="", waiting_until=None, updated_at=NOW)
    )
    wake_for(c, [task.id])
    return True


def asked_of_peers(c: Connection, task: int) -> dict[str, int]:
    """The peers' tasks that a task has asked for, by interrupt."""
    query = select(task_links.c.kind, task_links.c.task_id).where(
        task_links.c.other_id == task, task_links.c.kind.startswith(ASKED, autoescape=True)
    )
    return {str(kind).removeprefix(ASKED): int(peer) for kind, peer in c.execute(query)}


def asker_of(c: Connection, task: int) -> int | None:
    """The task for which a peer's task was made; None: it was made for none."""
    query = select(task_links.c.other_id).where(
        task_links.c.task_id == task, task_links.c.kind.startswith(ASKED, autoescape=True)
    )
    return c.execute(query.order_by(task_links.c.other_id)).scalar()


def let_go(c: Connection, task: int) -> None:
    """A peer's task is over without being completed: who asked goes on without it."""
    asker = asker_of(c, task)
    if asker is not None:
        remove_edge(c, asker, task)


def ask_anew(c: Connection, task: int) -> None:
    """A person takes a task up again: where its spending was denied, they are asked again."""
    query = select(inbox.c.id, inbox.c.answer).where(
        inbox.c.task_id == task, inbox.c.action == SPEND, inbox.c.state.in_(DECIDED)
    )
    for item, answer in c.execute(query).all():
        said: dict[str, Any] = decoded(answer) or {}
        if not said.get("approved"):
            values = {"state": str(ItemState.WITHDRAWN)}
            c.execute(update(inbox).where(inbox.c.id == item).values(**values))
