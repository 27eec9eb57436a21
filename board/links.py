"""What ties tasks together beside dependencies: what is part of what, what came from what."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select

from neveridle.board.database import Database
from neveridle.board.dependencies import path_between, refuse_handed_over
from neveridle.board.lineage import INHERITS, PART_OF, family, inherit
from neveridle.board.lookup import find_task
from neveridle.board.schema import task_edges, task_links
from neveridle.errors import DependencyCycle, StateConflict

REFUSED = "refused:"
"""How the kind of a tie begins that an import left out, because it would close a circle."""
LONGEST_KIND = 50


@dataclass(frozen=True, slots=True)
class Link:
    """``task`` is tied to ``other``: ``parent-child`` (it is part of it), or a kind of your own."""

    task: int
    other: int
    kind: str


class Links:
    """``board.links``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, task: int, other: int, *, kind: str = PART_OF) -> None:
        """Tie ``task`` to ``other``; saying it twice changes nothing.

        By ``parent-child`` it becomes part of the other: it waits for what that one waits
        for, now and later, even while an agent is at it. Any other kind (``related``,
        ``discovered-from``) is a note and holds nothing up.

        Raises:
            NotFound: one of them does not exist.
            DependencyCycle: it would close a circle; the message shows it.
            StateConflict: the kind is empty, too long or one of the board's own; or
                ``task`` was handed over.
        """
        await self._database.write(lambda c: add_link(c, task, other, kind))

    async def remove(self, task: int, other: int, *, kind: str = PART_OF) -> None:
        """Take the link back; nothing happens where there is none.

        Raises:
            NotFound: one of them does not exist.
            StateConflict: the kind is one of the board's own.
        """
        await self._database.write(lambda c: remove_link(c, task, other, kind))

    async def of(self, task: int) -> list[Link]:
        """The links from and to a task, by their kinds."""
        columns = (task_links.c.task_id, task_links.c.other_id, task_links.c.kind)
        query = (
            select(*columns)
            .where(
                (task_links.c.task_id == task) | (task_links.c.other_id == task),
                task_links.c.kind != INHERITS,
            )
            .order_by(task_links.c.kind, task_links.c.task_id, task_links.c.other_id)
        )
        return await self._database.read(lambda c: [Link(*row) for row in c.execute(query)])


def add_link(c: Connection, task: int, other: int, kind: str) -> None:
    """See ``Links.add``; inside a transaction."""
    _check(kind)
    found = find_task(c, task)
    find_task(c, other)
    if task == other:
        msg = f"Task {task} cannot be tied to itself."
        raise DependencyCycle(msg)
    if c.execute(select(task_links.c.kind).where(_one(task, other, kind))).first() is not None:
        return
    below = {task}
    if kind == PART_OF:
        refuse_handed_over(c, found)
        below = family(c, task)
        _refuse_circle(c, task, other, below)
    c.execute(insert(task_links).values(task_id=task, other_id=other, kind=kind))
    if kind == PART_OF:
        inherit(c, below)


def remove_link(c: Connection, task: int, other: int, kind: str) -> None:
    """See ``Links.remove``; inside a transaction."""
    _check(kind)
    find_task(c, task)
    find_task(c, other)
    gone = c.execute(delete(task_links).where(_one(task, other, kind))).rowcount > 0
    if gone and kind == PART_OF:
        inherit(c, family(c, task))


def _one(task: int, other: int, kind: str) -> ColumnElement[bool]:
    return and_(
        task_links.c.task_id == task, task_links.c.other_id == other, task_links.c.kind == kind
    )


def _check(kind: str) -> None:
    if not kind.strip() or len(kind) > LONGEST_KIND:
        msg = f"'{kind[:80]}' is no kind of link."
        raise StateConflict(msg, remedy=f"Name it in 1 to {LONGEST_KIND} characters.")
    if kind == INHERITS or kind.startswith(REFUSED):
        msg = f"Links of the kind '{kind}' are the board's own."
        raise StateConflict(msg, remedy="They follow from parents and dependencies: change those.")


def _refuse_circle(c: Connection, task: int, parent: int, below: set[int]) -> None:
    if parent in below:
        msg = f"Task {task} cannot be part of {parent}, which is part of {task}."
        raise DependencyCycle(msg, remedy="Remove that link first: `neveridle tasks unlink`.")
    query = select(task_edges.c.blocker_id).where(task_edges.c.task_id == parent)
    waits = set(c.scalars(query))
    circle = path_between(c, waits, below)
    if circle:
        shown = " → ".join(str(step) for step in (parent, *circle))
        msg = f"Task {task} cannot be part of {parent}, which waits for it: {shown}."
        raise DependencyCycle(msg, remedy="Remove one of these dependencies first.")
