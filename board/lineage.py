"""Which task is part of which, and the waiting that is inherited; inside a transaction.

A task that is part of another waits for whatever that one waits for. These edges are stored
like any other in ``task_edges``, and told apart by a link of the kind ``inherits``. So the
counters hold, and neither claim nor completion need to know of parents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, insert, select, update

from neveridle.board.schema import task_edges, task_links, tasks
from neveridle.board.sql import wake
from neveridle.board.task import OPEN_STATES, TaskState

PART_OF = "parent-child"
"""The kind of link from a task to the one it is part of."""
INHERITS = "inherits"
"""The kind of link beside an edge that a task has only through what it is part of."""
CHUNK = 900
"""So many ids in one statement: the least that any database takes."""

IS_INHERITED: ColumnElement[bool] = exists().where(
    task_links.c.task_id == task_edges.c.task_id,
    task_links.c.other_id == task_edges.c.blocker_id,
    task_links.c.kind == INHERITS,
)


def chunks(ids: Iterable[int]) -> Iterator[Sequence[int]]:
    """``ids`` in order, in portions that fit into one statement."""
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), CHUNK):
        yield ordered[start : start + CHUNK]


def parents_of(c: Connection, some: Iterable[int]) -> dict[int, set[int]]:
    """What each of ``some`` is part of, and what those are part of, and so on up."""
    found: dict[int, set[int]] = {}
    front = set(some)
    while front:
        for task in front:
            found[task] = set()
        for ids in chunks(front):
            query = select(task_links.c.task_id, task_links.c.other_id).where(
                task_links.c.task_id.in_(ids), task_links.c.kind == PART_OF
            )
            for task, parent in c.execute(query):
                found[task].add(parent)
        front = {parent for task in front for parent in found[task]} - found.keys()
    return found


def family(c: Connection, task: int) -> set[int]:
    """A task and all that is part of it, directly or not."""
    found, front = {task}, {task}
    while front:
        below: set[int] = set()
        for ids in chunks(front):
            query = select(task_links.c.task_id).where(
                task_links.c.other_id.in_(ids), task_links.c.kind == PART_OF
            )
            below.update(c.scalars(query))
        front = below - found
        found |= front
    return found


def ancestors(parents: Mapping[int, set[int]], task: int) -> set[int]:
    """All that ``task`` is part of, directly or not."""
    found: set[int] = set()
    front = list(parents.get(task, ()))
    while front:
        one = front.pop()
        if one not in found:
            found.add(one)
            front += parents.get(one, ())
    return found


def own_edges(c: Connection, some: Iterable[int]) -> dict[int, set[int]]:
    """What each of ``some`` was itself made to wait for."""
    found: dict[int, set[int]] = defaultdict(set)
    for ids in chunks(some):
        query = select(task_edges.c.task_id, task_edges.c.blocker_id).where(
            task_edges.c.task_id.in_(ids), ~IS_INHERITED
        )
        for task, blocker in c.execute(query):
            found[task].add(blocker)
    return found


def inherit(c: Connection, some: Iterable[int]) -> None:
    """Make each of ``some`` wait for exactly what it and all that it is part of wait for.

    Whoever changed an edge or a link calls this with the ``family`` of the task that was
    changed. Tells those who rest where something became runnable by it.
    """
    wanted = set(some)
    parents = parents_of(c, wanted)
    own = own_edges(c, parents)
    has: dict[int, set[int]] = defaultdict(set)
    for ids in chunks(wanted):
        query = select(task_links.c.task_id, task_links.c.other_id).where(
            task_links.c.task_id.in_(ids), task_links.c.kind == INHERITS
        )
        for task, blocker in c.execute(query):
            has[task].add(blocker)
    freed: set[int] = set()
    for task in sorted(wanted):
        above = [own.get(one, set[int]()) for one in ancestors(parents, task)]
        inherited = set[int]().union(*above) - own.get(task, set()) - {task}
        for blocker in sorted(inherited - has[task]):
            put_edge(c, task, blocker)
            mark = {"task_id": task, "other_id": blocker, "kind": INHERITS}
            c.execute(insert(task_links).values(**mark))
        for blocker in sorted(has[task] - inherited):
            unmark(c, task, blocker)
            if blocker not in own.get(task, ()) and drop_edge(c, task, blocker):
                freed.add(task)
    wake_for(c, freed)


def wake_for(c: Connection, some: Iterable[int]) -> None:
    """Tell those who rest where one of ``some`` is runnable."""
    for ids in chunks(some):
        query = select(tasks.c.id).where(
            tasks.c.id.in_(ids), tasks.c.state == "pending", tasks.c.open_blockers == 0
        )
        if c.execute(query.limit(1)).first() is not None:
            wake(c)
            return


def edge(task: int, blocker: int) -> ColumnElement[bool]:
    """The condition for one row of ``task_edges``."""
    return and_(task_edges.c.task_id == task, task_edges.c.blocker_id == blocker)


def unmark(c: Connection, task: int, blocker: int) -> bool:
    """Make an inherited edge the task's own; whether it was inherited."""
    mark: Any = and_(
        task_links.c.task_id == task,
        task_links.c.other_id == blocker,
        task_links.c.kind == INHERITS,
    )
    return c.execute(delete(task_links).where(mark)).rowcount > 0


def put_edge(c: Connection, task: int, blocker: int) -> None:
    """Insert an edge that is not there, and count it."""
    c.execute(insert(task_edges).values(task_id=task, blocker_id=blocker))
    _count(c, task, blocker, 1)


def drop_edge(c: Connection, task: int, blocker: int) -> bool:
    """Delete an edge that is there, and count it no more; whether it held the task up."""
    c.execute(delete(task_edges).where(edge(task, blocker)))
    return _count(c, task, blocker, -1)


def _count(c: Connection, task: int, blocker: int, step: int) -> bool:
    state = c.scalar(select(tasks.c.state).where(tasks.c.id == blocker))
    if state == TaskState.COMPLETED:
        return False
    waiting = tasks.c.open_blockers + step
    c.execute(update(tasks).where(tasks.c.id == task).values(open_blockers=waiting))
    if c.scalar(select(tasks.c.state).where(tasks.c.id == task)) in OPEN_STATES:
        unblocks = tasks.c.unblocks + step
        c.execute(update(tasks).where(tasks.c.id == blocker).values(unblocks=unblocks))
    return True
