"""The tasks of the board: putting them there, looking at them, tying them together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, insert, select

from neveridle.board.database import Database
from neveridle.board.dependencies import add_edge, refuse_inherited, remove_edge
from neveridle.board.endings import cancel_task, revive_task
from neveridle.board.lookup import find_ref, find_task
from neveridle.board.places import link_task
from neveridle.board.rows import task_from_row
from neveridle.board.schema import task_edges, task_services, task_skills, tasks
from neveridle.board.sql import NOW, log, wake
from neveridle.board.task import NewTask, Source, Task, TaskState
from neveridle.board.waking import wake_waiting
from neveridle.errors import StateConflict


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
        """Put several tasks on the board in one transaction; see ``add``.

        Raises:
            NotFound: a task one of them should come after does not exist.
            StateConflict: one of them has no title.
        """

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

        return await self._database.read(lambda c: find_ref(c, ref))

    async def find(
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
            StateConflict: ``task`` is already being worked on, was handed over, or ended.
        """
        await self._database.write(lambda c: add_edge(c, task, on))

    async def release_dependency(self, task: int, on: int) -> None:
        """Stop ``task`` from waiting for ``on``; nothing happens where it does not.

        The way out for a task that waits for one which was cancelled: see ``stuck``.

        Raises:
            NotFound: one of them does not exist.
            StateConflict: it waits because what it is part of does; the message names that.
        """

        def work(c: Connection) -> None:
            find_task(c, on)
            refuse_inherited(c, find_task(c, task).id, on)
            remove_edge(c, task, on)

        await self._database.write(work)

    async def cancel(self, task: int, *, reason: str = "") -> Task:
        """Take a task off the table for good; a cancelled proposal is not proposed again.

        An attempt at work on it loses its lease; what it was handed over to is cancelled
        with it. A task that was handed over to it is blocked for a person, and tasks that
        wait for it are ``stuck``. Cancelling twice changes nothing.

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
            cancel_task(c, found, reason)
            return find_task(c, task)

        return await self._database.write(work)

    async def retry(self, task: int) -> Task:
        """Make a blocked, waiting, failed or cancelled task runnable again.

        Its failures are forgiven: it has all its attempts once more. A cancelled task that
        continued another takes that one's work up again.

        Raises:
            NotFound: there is none with this id.
            StateConflict: it is pending, at work, or completed; or another task goes on
                with its work.
        """

        def work(c: Connection) -> Task:
            found = find_task(c, task)
            again = (TaskState.BLOCKED, TaskState.WAITING, TaskState.FAILED, TaskState.CANCELLED)
            if found.state not in again:
                msg = f"Task {task} is {found.state}."
                raise StateConflict(msg, remedy="Only blocked, waiting, failed or cancelled ones.")
            revive_task(c, found)
            log(c, "task.retried", {"from": str(found.state)}, task=task)
            return find_task(c, task)

        return await self._database.write(work)

    async def awaken(self, on: str = "", *, commit: str = "", prefix: str = "") -> list[int]:
        """Make tasks runnable whose awaited thing has happened; the ids of those that waited.

        Args:
            on: what they wait for, such as ``pull-request:12``; or, where that is not known,
            commit: the commit that their work is at, and
            prefix: how what they wait for begins.
        """
        return await self._database.write(
            lambda c: wake_waiting(c, on=on, commit=commit, prefix=prefix)
        )

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

    async def addressed(self) -> dict[str, list[int]]:
        """Which pending tasks are addressed to whom: by agent, at most 1,000, oldest first."""
        query = (
            select(tasks.c.assignee, tasks.c.id)
            .where(tasks.c.state == "pending", tasks.c.assignee.is_not(None))
            .order_by(tasks.c.id)
            .limit(1000)
        )

        def work(c: Connection) -> dict[str, list[int]]:
            found: dict[str, list[int]] = {}
            for agent, task in c.execute(query):
                found.setdefault(str(agent), []).append(int(task))
            return found

        return await self._database.read(work)

    async def counts(self) -> dict[TaskState, int]:
        """How many tasks there are in each state; states without any are 0."""
        query = select(tasks.c.state, func.count()).group_by(tasks.c.state)

        def work(c: Connection) -> dict[TaskState, int]:
            found = {TaskState(state): int(count) for state, count in c.execute(query)}
            return {state: found.get(state, 0) for state in TaskState}

        return await self._database.read(work)


def insert_task(c: Connection, new: NewTask, *, wakes: bool = True) -> tuple[Task, bool]:
    """Put a task on the board, inside a transaction; whether it is new.

    Args:
        c: the connection.
        new: what is said of it.
        wakes: whether to tell those who rest; False where the caller will, once it has
            added dependencies.

    Raises:
        StateConflict: it has no title.
    """
    if not new.title.strip():
        msg = "A task needs a title."
        raise StateConflict(msg, remedy="Say in a line what is to be done.")
    known = None if new.ref is None else find_ref(c, new.ref)
    if known is not None:
        return known, False
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
    if new.sync:
        link_task(c, new.sync, find_task(c, task))
    found = find_task(c, task)
    if wakes and found.runnable:
        wake(c)
    return found, True
