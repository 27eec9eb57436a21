"""The tasks of the board: putting them there, looking at them, tying them together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from neveridle.board.attempt import AttemptState
from neveridle.board.database import Database
from neveridle.board.rows import task_from_row
from neveridle.board.schema import attempts, task_edges, task_services, task_skills, tasks
from neveridle.board.sql import NOW, log, wake
from neveridle.board.task import OPEN_STATES, NewTask, Source, Task, TaskState
from neveridle.errors import DependencyCycle, NotFound, StateConflict


class Tasks:
    """``board.tasks``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, new: NewTask) -> Task:
        """Put a task on the board; where its ``ref`` is there already, that task is returned.

        Raises:
            NotFound: a task it should come after does not exist.
        """
        return (await self.add_all([new]))[0]

    async def add_all(self, new: Sequence[NewTask]) -> list[Task]:
        """Put several tasks on the board in one transaction; see ``add``."""

        def work(c: Connection) -> list[Task]:
            return [insert_task(c, one)[0] for one in new]

        return await self._database.write(work)

    async def get(self, task: int) -> Task:
        """One task.

        Raises:
            NotFound: there is none with this id.
        """
        return await self._database.read(lambda c: find_task(c, task))

    async def by_ref(self, ref: str) -> Task | None:
        """The task with this source reference, if there is one."""

        def work(c: Connection) -> Task | None:
            row = c.execute(select(tasks).where(tasks.c.ref == ref)).mappings().first()
            return None if row is None else task_from_row(row)

        return await self._database.read(work)

    async def list(
        self,
        *,
        states: Iterable[TaskState] | None = None,
        sources: Iterable[Source] | None = None,
        assignee: str | None = None,
        limit: int = 1000,
    ) -> list[Task]:
        """Tasks, oldest first; None means any.

        Args:
            states: only in these states.
            sources: only from these rungs.
            assignee: only addressed to this agent.
            limit: at most so many.
        """
        query = select(tasks).order_by(tasks.c.id).limit(limit)
        if states is not None:
            query = query.where(tasks.c.state.in_([str(s) for s in states]))
        if sources is not None:
            query = query.where(tasks.c.source.in_([str(s) for s in sources]))
        if assignee is not None:
            query = query.where(tasks.c.assignee == assignee)

        def work(c: Connection) -> list[Task]:
            return [task_from_row(row) for row in c.execute(query).mappings()]

        return await self._database.read(work)

    async def blockers(self, task: int) -> list[int]:
        """The ids of the tasks that this one waits for, completed ones too."""
        query = (
            select(task_edges.c.blocker_id)
            .where(task_edges.c.task_id == task)
            .order_by(task_edges.c.blocker_id)
        )
        return await self._database.read(lambda c: [int(i) for i in c.scalars(query)])

    async def depend(self, task: int, on: int) -> None:
        """Make ``task`` wait until ``on`` is completed; saying it twice changes nothing.

        Raises:
            NotFound: one of them does not exist.
            DependencyCycle: it would close a circle; the message shows it.
            StateConflict: ``task`` is already being worked on or ended.
        """

        def work(c: Connection) -> None:
            add_edge(c, task, on)

        await self._database.write(work)

    async def cancel(self, task: int, *, reason: str = "") -> Task:
        """Take a task off the table for good; a cancelled proposal is not proposed again.

        An attempt at work on it loses its lease. Cancelling twice changes nothing.

        Raises:
            NotFound: there is none with this id.
            StateConflict: it is completed already.
        """

        def work(c: Connection) -> Task:
            found = find_task(c, task)
            if found.state is TaskState.CANCELLED:
                return found
            if found.state is TaskState.COMPLETED:
                msg = f"Task {task} is completed."
                raise StateConflict(msg, remedy="A completed task cannot be cancelled.")
            end_active(c, found, AttemptState.CANCELLED)
            c.execute(
                update(tasks)
                .where(tasks.c.id == task)
                .values(state="cancelled", completed_at=NOW, updated_at=NOW)
            )
            log(c, "task.cancelled", {"reason": reason}, task=task)
            return find_task(c, task)

        return await self._database.write(work)

    async def retry(self, task: int) -> Task:
        """Make a blocked, waiting, failed or cancelled task runnable again.

        Its failures are forgiven: it has all its attempts once more.

        Raises:
            NotFound: there is none with this id.
            StateConflict: it is pending, at work, or completed.
        """

        def work(c: Connection) -> Task:
            found = find_task(c, task)
            again = (TaskState.BLOCKED, TaskState.WAITING, TaskState.FAILED, TaskState.CANCELLED)
            if found.state not in again:
                msg = f"Task {task} is {found.state}."
                raise StateConflict(msg, remedy="Only blocked, waiting, failed or cancelled ones.")
            c.execute(
                update(tasks)
                .where(tasks.c.id == task)
                .values(state="pending", failures=0, waiting_on="", waiting_until=None,
                        blocked_owner="", blocked_action="", completed_at=None, updated_at=NOW)
            )  # fmt: skip
            log(c, "task.retried", {"from": str(found.state)}, task=task)
            wake(c)
            return find_task(c, task)

        return await self._database.write(work)

    async def stuck(self) -> list[Task]:
        """Pending tasks that cannot run because a task they wait for failed or was cancelled."""
        dead = select(tasks.c.id).where(tasks.c.state.in_(["failed", "cancelled"]))
        query = (
            select(tasks)
            .where(
                tasks.c.state == "pending",
                tasks.c.open_blockers > 0,
                tasks.c.id.in_(
                    select(task_edges.c.task_id).where(task_edges.c.blocker_id.in_(dead))
                ),
            )
            .order_by(tasks.c.id)
        )

        def work(c: Connection) -> list[Task]:
            return [task_from_row(row) for row in c.execute(query).mappings()]

        return await self._database.read(work)

    async def counts(self) -> dict[TaskState, int]:
        """How many tasks there are in each state; states without any are 0."""
        query = select(tasks.c.state, func.count()).group_by(tasks.c.state)

        def work(c: Connection) -> dict[TaskState, int]:
            found = {TaskState(state): int(count) for state, count in c.execute(query)}
            return {state: found.get(state, 0) for state in TaskState}

        return await self._database.read(work)


def find_task(c: Connection, task: int) -> Task:
    """One task, inside a transaction.

    Raises:
        NotFound: there is none with this id.
    """
    row = c.execute(select(tasks).where(tasks.c.id == task)).mappings().first()
    if row is None:
        msg = f"There is no task {task}."
        raise NotFound(msg, remedy="`neveridle tasks` lists them.")
    return task_from_row(row)


def insert_task(c: Connection, new: NewTask) -> tuple[Task, bool]:
    """Put a task on the board, inside a transaction; whether it is new."""
    if new.ref is not None:
        row = c.execute(select(tasks).where(tasks.c.ref == new.ref)).mappings().first()
        if row is not None:
            return task_from_row(row), False
    number = c.execute(
        insert(tasks).values(
            source=str(new.source), ref=new.ref, ticket=new.ticket, title=new.title,
            description=new.description, priority=int(new.priority), assignee=new.assignee,
            skills=sorted(set(new.skills)), services=sorted(set(new.services)),
            acceptance=list(new.acceptance), needs_change=new.needs_change, budget=new.budget,
            continues=new.continues, created_at=NOW, updated_at=NOW,
        )
    ).inserted_primary_key  # fmt: skip
    assert number is not None
    task = int(number[0])
    for skill in sorted(set(new.skills)):
        c.execute(insert(task_skills).values(task_id=task, skill=skill))
    for service in sorted(set(new.services)):
        c.execute(insert(task_services).values(task_id=task, service=service))
    for blocker in new.after:
        add_edge(c, task, blocker)
    log(c, "task.added", {"source": str(new.source), "title": new.title}, task=task)
    found = find_task(c, task)
    if found.runnable:
        wake(c)
    return found, True


def add_edge(c: Connection, task: int, on: int) -> None:
    """Make ``task`` wait for ``on``, inside a transaction; see ``Tasks.depend``."""
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
    circle = path_between(c, on, task)
    if circle:
        shown = " → ".join(str(step) for step in (task, *circle))
        msg = f"Task {task} cannot wait for {on}: that would close the circle {shown}."
        raise DependencyCycle(msg, remedy="Remove one of these dependencies first.")
    c.execute(insert(task_edges).values(task_id=task, blocker_id=on))
    if blocker.state is TaskState.COMPLETED:
        return
    c.execute(
        update(tasks).where(tasks.c.id == task).values(open_blockers=tasks.c.open_blockers + 1)
    )
    c.execute(update(tasks).where(tasks.c.id == on).values(unblocks=tasks.c.unblocks + 1))


def path_between(c: Connection, start: int, goal: int) -> list[int]:
    """The way from ``start`` to ``goal`` along what each waits for; empty: there is none."""
    came: dict[int, int | None] = {start: None}
    front = [start]
    while front:
        rows = c.execute(
            select(task_edges.c.task_id, task_edges.c.blocker_id).where(
                task_edges.c.task_id.in_(front)
            )
        ).all()
        front = []
        for waits, blocker in rows:
            if blocker not in came:
                came[blocker] = waits
                front.append(blocker)
        if goal in came:
            break
    if goal not in came:
        return []
    way: list[int] = []
    step: int | None = goal
    while step is not None:
        way.append(step)
        step = came[step]
    return way[::-1]


def end_active(c: Connection, task: Task, state: AttemptState) -> None:
    """End whatever attempt is active on a task, inside a transaction."""
    c.execute(
        update(attempts)
        .where(
            attempts.c.task_id == task.id,
            attempts.c.fence == task.fence,
            attempts.c.state == "active",
        )
        .values(state=str(state), ended_at=NOW)
    )


def remove_edge(c: Connection, task: int, on: int) -> None:
    """Stop ``task`` from waiting for ``on``, inside a transaction."""
    edge = and_(task_edges.c.task_id == task, task_edges.c.blocker_id == on)
    if c.execute(delete(task_edges).where(edge)).rowcount == 0:
        return
    if find_task(c, on).state is TaskState.COMPLETED:
        return
    c.execute(
        update(tasks).where(tasks.c.id == task).values(open_blockers=tasks.c.open_blockers - 1)
    )
    c.execute(update(tasks).where(tasks.c.id == on).values(unblocks=tasks.c.unblocks - 1))
    if find_task(c, task).runnable:
        wake(c)


OPEN = or_(*[tasks.c.state == str(state) for state in OPEN_STATES])
"""The condition that a task is not over."""
