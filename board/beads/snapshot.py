"""All tasks of a board and their ties in memory, to change many of them in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table, and_, bindparam, delete, insert, select, update

from neveridle.board.lineage import INHERITS, PART_OF, ancestors
from neveridle.board.schema import task_edges, task_links, tasks
from neveridle.board.sql import NOW
from neveridle.board.task import OPEN_STATES, TaskState
from neveridle.errors import ImportInvalid

Edge = tuple[int, int]
Link = tuple[int, int, str]
Row = tuple[int, int] | tuple[int, int, str]

MOST_INHERITED = 3_000_000
"""Edges that tasks may inherit, all together: more is no backlog, and would fill the board."""
IS_OPEN = frozenset(str(state) for state in OPEN_STATES)


@dataclass(slots=True)
class Known:
    """What an import has to know of a task."""

    id: int
    ref: str | None
    state: str
    waiting_on: str
    fence: int
    continues: int | None
    created_at: float
    counts: tuple[int, int]


@dataclass(slots=True)
class Snapshot:
    """Tasks by id, and their ties; ``edges`` are those a task has itself."""

    tasks: dict[int, Known] = field(default_factory=dict[int, Known])
    edges: set[Edge] = field(default_factory=set[Edge])
    inherited: set[Edge] = field(default_factory=set[Edge])
    links: set[Link] = field(default_factory=set[Link])

    def of_kind(self, kind: str) -> set[Edge]:
        """The links of a kind."""
        return {(task, other) for task, other, one in self.links if one == kind}

    def above(self) -> dict[int, set[int]]:
        """What each task is part of."""
        return grouped(self.of_kind(PART_OF))

    def handed(self) -> list[Edge]:
        """Tasks that were handed over, with those that go on with them."""
        return [
            (one.continues, one.id)
            for one in self.tasks.values()
            if one.continues in self.tasks
            and self.tasks[one.continues].waiting_on == f"task:{one.id}"
        ]

    def families(self, some: Iterable[int]) -> set[int]:
        """``some`` and all that is part of them."""
        below = grouped((parent, child) for child, parent in self.of_kind(PART_OF))
        found = set(some)
        front = list(found)
        while front:
            fresh = below.get(front.pop(), set()) - found
            found |= fresh
            front += fresh
        return found

    def runnable(self) -> set[int]:
        """The tasks that could be claimed, by the counts they have."""
        return {
            one.id for one in self.tasks.values() if one.state == "pending" and not one.counts[0]
        }


def grouped(edges: Iterable[Edge]) -> dict[int, set[int]]:
    """Edges by where they begin."""
    found: dict[int, set[int]] = defaultdict(set)
    for one, other in edges:
        found[one].add(other)
    return found


def load(c: Connection) -> Snapshot:
    """The board as it stands."""
    found = Snapshot()
    columns = (
        tasks.c.id, tasks.c.ref, tasks.c.state, tasks.c.waiting_on, tasks.c.fence,
        tasks.c.continues, tasks.c.created_at, tasks.c.open_blockers, tasks.c.unblocks,
    )  # fmt: skip
    for row in c.execute(select(*columns)):
        found.tasks[row[0]] = Known(*row[:7], counts=(row[7], row[8]))
    every = {(a, b) for a, b in c.execute(select(task_edges.c.task_id, task_edges.c.blocker_id))}
    ties = select(task_links.c.task_id, task_links.c.other_id, task_links.c.kind)
    links = {(a, b, kind) for a, b, kind in c.execute(ties)}
    found.inherited = {(a, b) for a, b, kind in links if kind == INHERITS} & every
    found.edges = every - found.inherited
    found.links = {link for link in links if link[2] != INHERITS}
    return found


def save_ties(c: Connection, old: Snapshot, new: Snapshot) -> None:
    """Store the ties of ``new``, after working out what is inherited by them."""
    new.inherited = _inherited(new)
    was, now = old.edges | old.inherited, new.edges | new.inherited
    _delete(c, task_edges, ("task_id", "blocker_id"), was - now)
    _insert(c, task_edges, ("task_id", "blocker_id"), now - was)
    was_links = old.links | {(a, b, INHERITS) for a, b in old.inherited}
    now_links = new.links | {(a, b, INHERITS) for a, b in new.inherited}
    _delete(c, task_links, ("task_id", "other_id", "kind"), was_links - now_links)
    _insert(c, task_links, ("task_id", "other_id", "kind"), now_links - was_links)


def _inherited(new: Snapshot) -> set[Edge]:
    above, own = new.above(), grouped(new.edges)
    found: set[Edge] = set()
    for task in above:
        those = [own.get(one, set[int]()) for one in ancestors(above, task)]
        inherited = set[int]().union(*those) - own.get(task, set()) - {task}
        found.update((task, blocker) for blocker in inherited)
        if len(found) > MOST_INHERITED:
            msg = f"These issues would inherit more than {MOST_INHERITED:,} dependencies."
            raise ImportInvalid(msg, remedy="Let fewer issues be part of ones that wait for many.")
    return found


def save_counts(c: Connection, new: Snapshot) -> None:
    """Store how many open tasks each one waits for, and holds up."""
    waits, holds = dict.fromkeys(new.tasks, 0), dict.fromkeys(new.tasks, 0)
    for task, blocker in new.edges | new.inherited:
        if new.tasks[blocker].state != TaskState.COMPLETED:
            waits[task] += 1
            holds[blocker] += new.tasks[task].state in IS_OPEN
    changed: list[dict[str, int]] = []
    for one in new.tasks.values():
        counts = (waits[one.id], holds[one.id])
        if counts != one.counts:
            one.counts = counts
            changed.append({"key": one.id, "waits": counts[0], "holds": counts[1]})
    if changed:
        c.execute(
            update(tasks)
            .where(tasks.c.id == bindparam("key"))
            .values(open_blockers=bindparam("waits"), unblocks=bindparam("holds")),
            changed,
        )


def save_states(c: Connection, changes: Iterable[dict[str, object]]) -> None:
    """Store where tasks stand: ``key`` and all columns that tell of it."""
    rows = list(changes)
    names = ("state", "waiting_on", "waiting_until", "blocked_owner", "blocked_action",
             "completed_at")  # fmt: skip
    if rows:
        c.execute(
            update(tasks)
            .where(tasks.c.id == bindparam("key"))
            .values(updated_at=NOW, **{name: bindparam(f"new_{name}") for name in names}),
            rows,
        )


def _delete(c: Connection, table: Table, names: Sequence[str], rows: Iterable[Row]) -> None:
    where = and_(*(table.c[name] == bindparam(f"old_{name}") for name in names))
    keys = [f"old_{name}" for name in names]
    values = [dict(zip(keys, row, strict=True)) for row in sorted(rows)]
    if values:
        c.execute(delete(table).where(where), values)


def _insert(c: Connection, table: Table, names: Sequence[str], rows: Iterable[Row]) -> None:
    values = [dict(zip(names, row, strict=True)) for row in sorted(rows)]
    if values:
        c.execute(insert(table), values)
