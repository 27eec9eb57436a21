"""What can be worked on now, what cannot and why, and how it all hangs together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, Row, case, select

from neveridle.board.database import Database
from neveridle.board.forest import Node, Tree, plant
from neveridle.board.lineage import IS_INHERITED, PART_OF, ancestors, own_edges, parents_of
from neveridle.board.reason import DEAD, RECORD, HeldUp, Hindrance, Reason, by_dependency, by_state
from neveridle.board.rows import task_from_row
from neveridle.board.schema import board_clock, services, task_edges, task_links, tasks
from neveridle.board.task import OPEN_STATES, Source, Task

Skills = Mapping[str, frozenset[str]]
"""The skills of each agent of a team, by its name; empty: who is in it is not known."""

RUNGS = case({str(source): rung for rung, source in enumerate(Source)}, value=tasks.c.source)


class Readiness:
    """``board.readiness``; each question is a few queries, however many tasks there are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ready(
        self, skills: Skills, *, limit: int | None = None, records: bool = False
    ) -> list[Task]:
        """What claims would hand out now, in their order: rung by rung, the best one first.

        Args:
            skills: of the team; what nobody in it can claim is not ready.
            limit: at most so many; None: all.
            records: whether what was imported from Beads as a record, not as work (such as a
                message), is listed behind them where nothing holds it up. No claim hands it out.
        """

        def work(c: Connection) -> list[Task]:
            down = _down(c)
            found: list[Task] = []
            for task in _runnable(c):
                if limit is not None and len(found) >= limit:
                    break
                if not _hindrances(task, skills, down):
                    found.append(task)
            return [*found, *_records(c)][:limit] if records else found

        return await self._database.read(work)

    async def blocked(self, skills: Skills, *, limit: int | None = None) -> list[HeldUp]:
        """What is not over, not at work and cannot be claimed now, with all reasons why.

        Args:
            skills: of the team.
            limit: at most so many, those of the highest priority; None: all.
        """

        def work(c: Connection) -> list[HeldUp]:
            down = _down(c)
            found: list[tuple[Task, list[Reason]]] = []
            query = select(tasks).where(tasks.c.state.in_(["pending", "waiting", "blocked"]))
            for row in c.execute(query.order_by(tasks.c.priority.desc(), tasks.c.id)).mappings():
                task = task_from_row(row)
                if task.waiting_on.startswith(RECORD) and not task.open_blockers:
                    continue  # no work, and nothing holds it up: see ``ready``
                own = by_state(task)
                reasons = [*([own] if own else []), *_hindrances(task, skills, down)]
                if reasons or task.open_blockers:
                    found.append((task, reasons))
            shown = found[:limit]
            waits = _waits(c, [task.id for task, _ in shown if task.open_blockers])
            roots = _roots(c)
            return [
                HeldUp(task, (*waits.get(task.id, ()), *reasons), roots.get(task.id))
                for task, reasons in shown
            ]

        return await self._database.read(work)

    async def tree(
        self, *, root: int | None = None, finished: bool = False, limit: int = 10_000
    ) -> Tree:
        """All tasks as a forest; see ``plant``.

        Args:
            root: only what is below this task; None: everything.
            finished: whether tasks that are over are in it, too; those that others are part
                of always are.
            limit: at most so many tasks.
        """

        def work(c: Connection) -> Tree:
            nodes = {node.id: node for node in _nodes(c, None if finished else OPEN_STATES)}
            part = select(task_links.c.task_id, task_links.c.other_id)
            parents = _grouped(c.execute(part.where(task_links.c.kind == PART_OF)).all())
            missing = {
                one for node in nodes for one in ancestors(parents, node) if one not in nodes
            }
            if missing:
                nodes |= {node.id: node for node in _nodes(c, None) if node.id in missing}
            edges = select(task_edges.c.task_id, task_edges.c.blocker_id)
            waits = _grouped(c.execute(edges.where(~IS_INHERITED)).all())
            return plant(nodes, parents, waits, root=root, limit=limit)

        return await self._database.read(work)


def _grouped(rows: Iterable[Row[int, int]]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for one, other in rows:
        found[one].add(other)
    return found


def _nodes(c: Connection, states: Sequence[str] | None) -> Iterator[Node]:
    query = select(
        tasks.c.id, tasks.c.title, tasks.c.state, tasks.c.priority, tasks.c.ticket,
        tasks.c.assignee, tasks.c.open_blockers,
    )  # fmt: skip
    if states is not None:
        query = query.where(tasks.c.state.in_([str(state) for state in states]))
    for row in c.execute(query.order_by(tasks.c.id)):
        yield Node(*row)


def _runnable(c: Connection) -> Iterator[Task]:
    query = (
        select(tasks)
        .where(tasks.c.state == "pending", tasks.c.open_blockers == 0)
        .order_by(RUNGS, tasks.c.priority.desc(), tasks.c.unblocks.desc(), tasks.c.id)
    )
    for row in c.execute(query).mappings():
        yield task_from_row(row)


def _records(c: Connection) -> list[Task]:
    """What came from Beads with a type that is no work, and waits for nothing else."""
    query = select(tasks).where(
        tasks.c.state == "waiting",
        tasks.c.waiting_on.startswith(RECORD, autoescape=True),
        tasks.c.open_blockers == 0,
    )
    return [task_from_row(row) for row in c.execute(query.order_by(tasks.c.id)).mappings()]


def _down(c: Connection) -> dict[str, tuple[str, float | None]]:
    """Services that cannot be used now: why, and when they are tried again."""
    query = select(services.c.name, services.c.reason, services.c.retry_at).where(
        ~services.c.usable,
        services.c.retry_at.is_(None)
        | (services.c.retry_at > select(board_clock.c.now).scalar_subquery()),
    )
    return {name: (reason, at) for name, reason, at in c.execute(query)}


def _hindrances(
    task: Task, skills: Skills, down: Mapping[str, tuple[str, float | None]]
) -> Iterator[Reason] | list[Reason]:
    if task.state != "pending":
        return []
    found: list[Reason] = []
    for service in task.services:
        if service in down:
            reason, at = down[service]
            why = f"needs {service}, which cannot be used" + (f": {reason}" if reason else "")
            do = "" if at is not None else "`neveridle doctor` says what is wrong"
            found.append(Reason(kind=Hindrance.SERVICE, why=why, do=do, until=at))
    if not skills:
        return found
    if task.assignee is not None and task.assignee not in skills:
        why = f"is addressed to {task.assignee}, who is not in the team"
        found.append(Reason(kind=Hindrance.ASSIGNEE, why=why))
        return found
    able = [task.assignee] if task.assignee is not None else list(skills)
    if not any(skills[name].issuperset(task.skills) for name in able):
        who = task.assignee or "nobody in the team"
        lacks = "lacks some of them" if task.assignee else "has"
        why = f"needs {', '.join(task.skills)}, which {who} {lacks}"
        found.append(Reason(kind=Hindrance.SKILLS, why=why, do="give the skill to an agent's soul"))
    return found


def _waits(c: Connection, some: Sequence[int]) -> dict[int, list[Reason]]:
    """For each of ``some`` what it waits for that is not completed."""
    wanted = set(some)
    query = (
        select(task_edges.c.task_id, tasks.c.id, tasks.c.state, IS_INHERITED)
        .join(tasks, tasks.c.id == task_edges.c.blocker_id)
        .where(tasks.c.state != "completed")
        .order_by(task_edges.c.task_id, tasks.c.id)
    )
    rows = [row for row in c.execute(query) if row[0] in wanted]
    inherits = {task for task, _, _, inherited in rows if inherited}
    parents = parents_of(c, inherits)
    own = own_edges(c, parents)
    found: dict[int, list[Reason]] = defaultdict(list)
    for task, on, state, inherited in rows:
        above = [one for one in ancestors(parents, task) if on in own[one]] if inherited else []
        through = min(above, default=None)
        found[task].append(by_dependency(task, on, state, through))
    return found


def _roots(c: Connection) -> dict[int, int]:
    """What cannot run until a person acts on another task: by its id, that one's."""
    roots = [*DEAD, "blocked"]
    ends = select(tasks.c.id, tasks.c.state).where(tasks.c.state.in_([*OPEN_STATES, *DEAD]))
    state: dict[int, str] = {int(number): str(one) for number, one in c.execute(ends)}
    holds: dict[int, list[int]] = defaultdict(list)
    edges = select(task_edges.c.task_id, task_edges.c.blocker_id)
    for task, blocker in c.execute(edges.order_by(task_edges.c.task_id)):
        holds[blocker].append(task)
    found: dict[int, int] = {}
    front = [number for number in sorted(state) if state[number] in roots]
    found = {number: number for number in front if state[number] == "blocked"}
    origin = {number: number for number in front}
    while front:
        blocker = front.pop()
        for task in holds.get(blocker, ()):
            if task not in origin and state.get(task) in OPEN_STATES:
                origin[task] = found[task] = origin[blocker]
                front.append(task)
    return found
