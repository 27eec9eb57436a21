"""Waking what waits for something outside, once that is known to have happened."""

from __future__ import annotations

from sqlalchemy import Connection, and_, select, update

from neveridle.board.lineage import wake_for
from neveridle.board.schema import attempts, tasks
from neveridle.board.sql import NOW, log


def wake_waiting(c: Connection, *, on: str = "", commit: str = "", prefix: str = "") -> list[int]:
    """Make what waits runnable now, inside a transaction of the caller; the ids.

    Args:
        c: the connection.
        on: what is waited for, exactly; empty: see ``commit``.
        commit: or those whose last attempt's work is at this commit,
        prefix: and that wait for something that begins so.
    """
    if not on and not (commit and prefix):
        return []
    waiting = tasks.c.state == "waiting"
    if on:
        query = select(tasks.c.id, tasks.c.waiting_on).where(waiting, tasks.c.waiting_on == on)
    else:
        last = and_(attempts.c.task_id == tasks.c.id, attempts.c.fence == tasks.c.fence)
        query = (
            select(tasks.c.id, tasks.c.waiting_on)
            .join(attempts, last)
            .where(
                waiting,
                tasks.c.waiting_on.startswith(prefix, autoescape=True),
                attempts.c.commit == commit,
            )
        )
    found = {int(row[0]): str(row[1]) for row in c.execute(query.order_by(tasks.c.id))}
    for task, what in found.items():
        c.execute(
            update(tasks)
            .where(tasks.c.id == task)
            .values(state="pending", waiting_on="", waiting_until=None, updated_at=NOW)
        )
        log(c, "task.woken", {"on": what}, task=task)
    wake_for(c, found)
    return list(found)
