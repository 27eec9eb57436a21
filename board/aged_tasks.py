"""Tasks that are over, with what belongs to them; whole chains of handoffs at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, or_, select, update

from neveridle.board.aging import Page
from neveridle.board.budget import task_scope
from neveridle.board.lineage import PART_OF
from neveridle.board.schema import (
    budgets,
    effects,
    handoffs,
    memory_uses,
    mirror,
    proposals,
    sync_points,
    sync_tasks,
    syncs,
    task_edges,
    task_links,
    tasks,
)
from neveridle.board.task import OPEN_STATES, Source, TaskState

TASKS = 100
"""Tasks looked at in one transaction: each has some rows in other tables."""
OVER = (TaskState.COMPLETED, TaskState.CANCELLED, TaskState.FAILED)
OPEN = [str(state) for state in OPEN_STATES]
MIRRORED = (str(Source.BACKLOG), str(Source.ROADMAP))


class AgedTasks:
    """See ``Aged``. The latest to end come first, as they may need those before them."""

    name = "tasks"
    by = "tasks"

    def page(self, c: Connection, before: float, after: Any) -> Page:
        """See ``Aged``; ``after``: the state's number, and the end and id of the last task."""
        number, ended, last = after or (0, before, 0)
        # Each state by itself, so that the index on state and end is walked.
        rows = c.execute(
            select(tasks.c.id, tasks.c.completed_at)
            .where(
                tasks.c.state == str(OVER[number]),
                or_(
                    tasks.c.completed_at < ended,
                    and_(tasks.c.completed_at == ended, tasks.c.id < last),
                ),
            )
            .order_by(tasks.c.completed_at.desc(), tasks.c.id.desc())
            .limit(TASKS)
        ).all()
        goes = _unneeded(c, [int(row[0]) for row in rows], before)
        if len(rows) == TASKS:
            return Page(goes, (number, rows[-1][1], rows[-1][0]))
        return Page(goes, (number + 1, before, 0) if number + 1 < len(OVER) else None)

    def remove(self, c: Connection, keys: Sequence[Any]) -> None:
        """See ``Aged``. Attempts, edges, links, skills and services go by themselves.

        A proposal stays, without its task: so it is not made again.
        """
        either = or_(handoffs.c.task_id.in_(keys), handoffs.c.dispatch_id.in_(keys))
        c.execute(delete(handoffs).where(either))
        c.execute(delete(effects).where(effects.c.task_id.in_(keys)))
        c.execute(delete(memory_uses).where(memory_uses.c.task_id.in_(keys)))
        c.execute(delete(budgets).where(budgets.c.scope.in_([task_scope(key) for key in keys])))
        mine = proposals.c.task_id.in_(keys)
        c.execute(update(proposals).where(mine).values(task_id=None, title="", reason=""))
        c.execute(delete(tasks).where(tasks.c.id.in_(keys)))


def _unneeded(c: Connection, found: list[int], before: float) -> list[int]:
    """Those of these tasks, with all of their chains, that nobody needs."""
    if not found:
        return []
    chains = _chains(c, found)
    needed = _needed(c, chains, before)
    kept = {chains[task] for task in needed}
    return sorted(task for task, chain in chains.items() if chain not in kept)


def _chains(c: Connection, found: Iterable[int]) -> dict[int, int]:
    """For each of these tasks, and all that continue one another with them, a chain's name."""
    chain = {task: task for task in found}
    front = list(chain)
    while front:
        met: list[int] = []
        pairs = c.execute(
            select(tasks.c.id, tasks.c.continues).where(
                tasks.c.continues.is_not(None),
                or_(tasks.c.id.in_(front), tasks.c.continues.in_(front)),
            )
        ).all()
        for one, other in pairs:
            for task in (one, other):
                if task not in chain:
                    chain[task] = task
                    met.append(task)
            joined, left = chain[one], chain[other]
            if joined != left:
                chain.update({task: joined for task, name in chain.items() if name == left})
        front = met
    return chain


def _needed(c: Connection, found: Iterable[int], before: float) -> set[int]:
    """Those of these tasks that have to stay."""
    here = tasks.c.id.in_(list(found))
    dependant = tasks.alias("dependant")
    needs = [
        # It is not over, or not for long enough.
        select(tasks.c.id).where(
            or_(tasks.c.state.in_(OPEN), tasks.c.completed_at.is_(None),
                tasks.c.completed_at >= before)
        ),
        # Another waits for it. One that is not completed counts with all who wait for it.
        select(tasks.c.id)
        .join(task_edges, task_edges.c.blocker_id == tasks.c.id)
        .join(dependant, dependant.c.id == task_edges.c.task_id)
        .where(or_(dependant.c.state != "completed", tasks.c.state != "completed")),
        # An open one is linked to it; or any is part of it, and waits for what it waits for.
        select(tasks.c.id)
        .join(task_links, task_links.c.other_id == tasks.c.id)
        .join(dependant, dependant.c.id == task_links.c.task_id)
        .where(or_(dependant.c.state.in_(OPEN), task_links.c.kind == PART_OF)),
        # It is somebody's part of a meeting that has not taken place.
        select(tasks.c.id)
        .join(sync_tasks, sync_tasks.c.task_id == tasks.c.id)
        .join(sync_points, sync_points.c.id == sync_tasks.c.point)
        .where(sync_points.c.state == "open"),
        # Whether a write to a service was done is not known yet.
        select(tasks.c.id)
        .join(effects, effects.c.task_id == tasks.c.id)
        .where(effects.c.state == "intended"),
        # Its source still lists it as open: it would become a task again.
        select(tasks.c.id)
        .join(mirror, and_(mirror.c.source == tasks.c.source, mirror.c.ref == tasks.c.ref))
        .where(mirror.c.data["open"].as_boolean()),
        # Its source lists nothing at all, as while a file is missing: that may pass.
        select(tasks.c.id)
        .join(syncs, syncs.c.source == tasks.c.source)
        .where(
            tasks.c.ref.is_not(None),
            tasks.c.source.in_(MIRRORED),
            syncs.c.synced_at.is_not(None),
            ~exists(select(mirror.c.ref).where(mirror.c.source == tasks.c.source)),
        ),
    ]  # fmt: skip
    return {int(task) for query in needs for task in c.scalars(query.where(here))}
