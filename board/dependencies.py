"""Which task waits for which, inside a transaction of the caller.

``tasks.open_blockers`` counts the edges of a task whose blocker is not completed;
``tasks.unblocks`` the edges to a task from tasks that are not over. Whoever changes an edge
or ends a task keeps both counts true, so that a claim need not count.
"""

from __future__ import annotations

from sqlalchemy import (
    Connection,
    String,
    and_,
    delete,
    insert,
    literal,
    select,
    union_all,
    update,
)

from neveridle.board.lookup import continuation, find_task, handed_over_by
from neveridle.board.schema import task_edges, tasks
from neveridle.board.sql import wake
from neveridle.board.task import OPEN_STATES, Task, TaskState
from neveridle.errors import DependencyCycle, StateConflict


def add_edge(c: Connection, task: int, on: int) -> None:
    """Make ``task`` wait for ``on``; see ``Tasks.depend``."""
    waits, blocker = find_task(c, task), find_task(c, on)
    if waits.state not in (TaskState.PENDING, TaskState.WAITING, TaskState.BLOCKED):
        msg = f"Task {task} is {waits.state}."
        raise StateConflict(msg, remedy="Only a task that nobody works on can be made to wait.")
    if task == on:
        msg = f"Task {task} cannot wait for itself."
        raise DependencyCycle(msg)
    edge = and_(task_edges.c.task_id == task, task_edges.c.blocker_id == on)
    if c.execute(select(task_edges.c.task_id).where(edge)).first() is not None:
        return
    receiver = continuation(c, waits)
    if receiver is not None:
        msg = f"Task {task} was handed over to task {receiver.id}."
        remedy = f"Make task {receiver.id} wait, or take this one back: `neveridle tasks retry`."
        raise StateConflict(msg, remedy=remedy)
    circle = path_between(c, on, task)
    if circle:
        shown = " → ".join(str(step) for step in (task, *circle))
        msg = f"Task {task} cannot wait for {on}: that would close the circle {shown}."
        raise DependencyCycle(msg, remedy="Remove one of these dependencies first.")
    c.execute(insert(task_edges).values(task_id=task, blocker_id=on))
    if blocker.state is not TaskState.COMPLETED:
        _count(c, task, on, 1)


def remove_edge(c: Connection, task: int, on: int) -> None:
    """Stop ``task``, and whatever was handed over to it, from waiting for ``on``."""
    waits: Task | None = find_task(c, task)
    while waits is not None:
        edge = and_(task_edges.c.task_id == waits.id, task_edges.c.blocker_id == on)
        removed = c.execute(delete(task_edges).where(edge)).rowcount > 0
        if removed and find_task(c, on).state is not TaskState.COMPLETED:
            _count(c, waits.id, on, -1)
            if find_task(c, waits.id).runnable:
                wake(c)
        waits = handed_over_by(c, waits)


def _count(c: Connection, task: int, on: int, step: int) -> None:
    c.execute(
        update(tasks).where(tasks.c.id == task).values(open_blockers=tasks.c.open_blockers + step)
    )
    if find_task(c, task).state in OPEN_STATES:
        c.execute(update(tasks).where(tasks.c.id == on).values(unblocks=tasks.c.unblocks + step))


def count_waiting(c: Connection, task: int, step: int) -> None:
    """Count a task that ends (-1) or comes back (+1) among those its blockers hold up."""
    blockers = select(task_edges.c.blocker_id).where(task_edges.c.task_id == task)
    c.execute(
        update(tasks)
        .where(tasks.c.id.in_(blockers), tasks.c.state != str(TaskState.COMPLETED))
        .values(unblocks=tasks.c.unblocks + step)
    )


def path_between(c: Connection, start: int, goal: int) -> list[int]:
    """The way from ``start`` to ``goal`` along what each waits for; empty: there is none.

    A task that was handed over waits for the one that goes on with it.
    """
    came: dict[int, int | None] = {start: None}
    front = [start]
    receiver = tasks.alias("receiver")
    while front and goal not in came:
        edges = select(task_edges.c.task_id, task_edges.c.blocker_id).where(
            task_edges.c.task_id.in_(front)
        )
        handed = (
            select(tasks.c.id, receiver.c.id)
            .join(receiver, receiver.c.continues == tasks.c.id)
            .where(
                tasks.c.id.in_(front),
                tasks.c.waiting_on == literal("task:").concat(receiver.c.id.cast(String)),
            )
        )
        rows = c.execute(union_all(edges, handed)).all()
        for waits, blocker in rows:
            came.setdefault(int(blocker), int(waits))
        front = [int(blocker) for waits, blocker in rows if came[int(blocker)] == waits]
    if goal not in came:
        return []
    way: list[int] = []
    step: int | None = goal
    while step is not None:
        way.append(step)
        step = came[step]
    return way[::-1]
