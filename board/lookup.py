"""Finding tasks, and who goes on with which, inside a transaction of the caller."""

from __future__ import annotations

import itertools

from sqlalchemy import Connection, select

from neveridle.board.rows import task_from_row
from neveridle.board.schema import tasks
from neveridle.board.task import Task
from neveridle.errors import NotFound


def find_task(c: Connection, task: int) -> Task:
    """One task.

    Raises:
        NotFound: there is none with this id.
    """
    row = c.execute(select(tasks).where(tasks.c.id == task)).mappings().first()
    if row is None:
        msg = f"There is no task {task}."
        raise NotFound(msg, remedy="`neveridle tasks` lists them.")
    return task_from_row(row)


def find_ref(c: Connection, ref: str) -> Task | None:
    """The task with this source reference, if there is one."""
    row = c.execute(select(tasks).where(tasks.c.ref == ref)).mappings().first()
    return None if row is None else task_from_row(row)


def free_ref(c: Connection, base: str) -> str:
    """``base``, or the first of ``base#2``, ``base#3`` … that no task has."""
    return next(
        ref
        for number in itertools.count(1)
        if find_ref(c, ref := base if number == 1 else f"{base}#{number}") is None
    )


def waits_for(task: int) -> str:
    """What ``waiting_on`` says of a task that was handed over and goes on as ``task``."""
    return f"task:{task}"


def continuation(c: Connection, task: Task) -> Task | None:
    """The task that a handed-over one waits for; None: it was not handed over."""
    query = select(tasks).where(tasks.c.continues == task.id)
    for row in c.execute(query).mappings():
        if task.waiting_on == waits_for(row["id"]):
            return task_from_row(row)
    return None


def handed_over_by(c: Connection, task: Task) -> Task | None:
    """The task that was handed over and waits for this one; None: there is none."""
    if task.continues is None:
        return None
    sender = find_task(c, task.continues)
    return sender if sender.waiting_on == waits_for(task.id) else None
