"""Which task waits for which, inside a transaction of the caller.

``tasks.open_blockers`` counts the edges of a task whose blocker is not completed;
``tasks.unblocks`` the edges to a task from tasks that are not over. Whoever changes an edge
or ends a task keeps both counts true, so that a claim need not count.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, String, literal, select, union_all, update

from neveridle.board.lineage import (
    IS_INHERITED,
    ancestors,
    chunks,
    drop_edge,
    edge,
    family,
    inherit,
    own_edges,
    parents_of,
    put_edge,
    unmark,
    wake_for,
)
from neveridle.board.lookup import continuation, find_task, handed_over_by
from neveridle.board.schema import task_edges, tasks
from neveridle.board.task import Task, TaskState
from neveridle.errors import DependencyCycle, StateConflict


def add_edge(c: Connection, task: int, on: int) -> None:
    """Make ``task``, and all that is part of it, wait for ``on``; see ``Tasks.depend``."""
    waits = find_task(c, task)
    find_task(c, on)
    if waits.state not in (TaskState.PENDING, TaskState.WAITING, TaskState.BLOCKED):
        msg = f"Task {task} is {waits.state}."
        raise StateConflict(msg, remedy="Only a task that nobody works on can be made to wait.")
    if task == on:
        msg = f"Task {task} cannot wait for itself."
        raise DependencyCycle(msg)
    there = c.execute(select(task_edges.c.task_id).where(edge(task, on))).first() is not None
    if there:
        unmark(c, task, on)  # from now on it stays when what it was inherited from goes
        return
    refuse_handed_over(c, waits)
    below = family(c, task)
    circle = path_between(c, {on}, below)
    if circle:
        shown = " → ".join(str(step) for step in (task, *circle))
        part = "" if circle[-1] == task else f", as {circle[-1]} is part of {task}"
        msg = f"Task {task} cannot wait for {on}: that would close the circle {shown}{part}."
        raise DependencyCycle(msg, remedy="Remove one of these dependencies first.")
    put_edge(c, task, on)
    if len(below) > 1:
        inherit(c, below - {task})


def refuse_handed_over(c: Connection, task: Task) -> None:
    """Refuse to tie up a task that another one goes on with.

    Raises:
        StateConflict: it was handed over.
    """
    receiver = continuation(c, task)
    if receiver is not None:
        msg = f"Task {task.id} was handed over to task {receiver.id}."
        remedy = f"Tie up task {receiver.id}, or take this one back: `neveridle tasks retry`."
        raise StateConflict(msg, remedy=remedy)


def remove_edge(c: Connection, task: int, on: int) -> None:
    """Stop ``task``, and whatever was handed over to it, from waiting for ``on``.

    What it inherits from a task it is part of stays: that is removed there.
    """
    waits: Task | None = find_task(c, task)
    while waits is not None:
        own = select(task_edges.c.task_id).where(edge(waits.id, on), ~IS_INHERITED)
        if c.execute(own).first() is not None:
            held = drop_edge(c, waits.id, on)
            inherit(c, family(c, waits.id))  # the task itself, too: it may inherit the same
            if held:
                wake_for(c, [waits.id])
        waits = handed_over_by(c, waits)


def count_waiting(c: Connection, task: int, step: int) -> None:
    """Count a task that ends (-1) or comes back (+1) among those its blockers hold up."""
    blockers = select(task_edges.c.blocker_id).where(task_edges.c.task_id == task)
    c.execute(
        update(tasks)
        .where(tasks.c.id.in_(blockers), tasks.c.state != str(TaskState.COMPLETED))
        .values(unblocks=tasks.c.unblocks + step)
    )


def refuse_inherited(c: Connection, task: int, on: int) -> None:
    """Refuse to release a task from what only those it is part of were made to wait for.

    Raises:
        StateConflict: naming one of those.
    """
    inherited = select(task_edges.c.task_id).where(edge(task, on), IS_INHERITED)
    if c.execute(inherited).first() is None:
        return
    above = ancestors(parents_of(c, [task]), task)
    from_ = [one for one, blockers in own_edges(c, above).items() if on in blockers]
    if from_:
        msg = f"Task {task} waits for {on} because it is part of task {min(from_)}, which does."
        remedy = f"`neveridle tasks release {min(from_)} --on {on}` releases both."
        raise StateConflict(msg, remedy=remedy)


def path_between(c: Connection, starts: Collection[int], goals: Collection[int]) -> list[int]:
    """The way from one of ``starts`` to one of ``goals`` along what each waits for; empty: none.

    A task that was handed over waits for the one that goes on with it.
    """
    came: dict[int, int | None] = dict.fromkeys(starts)
    front: list[int] = list(starts)
    receiver = tasks.alias("receiver")
    reached = next((start for start in starts if start in goals), None)
    while front and reached is None:
        found: list[tuple[int, int]] = []
        for ids in chunks(front):
            edges = select(task_edges.c.task_id, task_edges.c.blocker_id).where(
                task_edges.c.task_id.in_(ids)
            )
            handed = (
                select(tasks.c.id, receiver.c.id)
                .join(receiver, receiver.c.continues == tasks.c.id)
                .where(
                    tasks.c.id.in_(ids),
                    tasks.c.waiting_on == literal("task:").concat(receiver.c.id.cast(String)),
                )
            )
            found += [(int(a), int(b)) for a, b in c.execute(union_all(edges, handed))]
        front = []
        for waits, blocker in found:
            if blocker not in came:
                came[blocker] = waits
                front.append(blocker)
                if blocker in goals and reached is None:
                    reached = blocker
    way: list[int] = []
    step: int | None = reached
    while step is not None:
        way.append(step)
        step = came[step]
    return way[::-1]
