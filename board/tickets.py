"""What the board knows of a tracker's tickets, and what becomes of work on one that is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from neveridle.board.attempt import Attempt
from neveridle.board.attempt_rows import log_attempt, own
from neveridle.board.database import Database
from neveridle.board.endings import cancel_task
from neveridle.board.lookup import find_task
from neveridle.board.rows import decoded, task_from_row
from neveridle.board.schema import effects, mirror, task_services, task_skills, tasks
from neveridle.board.sql import NOW, log, wake
from neveridle.board.task import OPEN_STATES, NewTask, Source, Task, TaskState

SOURCE = str(Source.BACKLOG)
SETTLED = 5.0
"""Seconds after which every look sees what we wrote."""


class Tickets:
    """``board.tickets``: the mirror, ticket by ticket."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def entries(self, refs: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What the tracker said of some tickets at the last look, by ref."""
        query = select(mirror.c.ref, mirror.c.data).where(
            mirror.c.source == SOURCE, mirror.c.ref.in_(list(refs))
        )
        return await self._database.read(
            lambda c: {str(ref): decoded(data) for ref, data in c.execute(query)}
        )

    async def note(self, ref: str, data: Mapping[str, Any]) -> None:
        """Correct what the mirror says of a ticket, as it was just looked at by itself."""

        def work(c: Connection) -> None:
            mine = (mirror.c.source == SOURCE) & (mirror.c.ref == ref)
            row = c.execute(select(mirror.c.data).where(mirror.c.ref == ref, mine)).first()
            if row is not None:
                c.execute(update(mirror).where(mine).values(data={**decoded(row[0]), **data}))

        await self._database.write(work)

    async def needs_not(self, task: int, service: str) -> None:
        """Let a task be claimed also while a service is down: its ticket is ours."""

        def work(c: Connection) -> None:
            needed = find_task(c, task).services
            if service in needed:
                _set_services(c, task, [name for name in needed if name != service])

        await self._database.write(work)

    async def without(self, source: Source, *, limit: int) -> list[Task]:
        """Open tasks of a source that have no ticket, oldest first."""
        query = (
            select(tasks)
            .where(
                tasks.c.source == str(source), tasks.c.ticket == "", tasks.c.ref.is_not(None),
                tasks.c.state.in_([str(state) for state in OPEN_STATES]),
            )
            .order_by(tasks.c.id)
            .limit(limit)
        )  # fmt: skip
        return await self._database.read(
            lambda c: [task_from_row(row) for row in c.execute(query).mappings()]
        )

    async def attach(self, task: int, ticket: str, service: str) -> None:
        """Note which ticket a task has, and that it needs its tracker to be begun."""

        def work(c: Connection) -> None:
            one = find_task(c, task)
            c.execute(update(tasks).where(tasks.c.id == task).values(ticket=ticket, updated_at=NOW))
            _set_services(c, task, [*one.services, service])
            log(c, "task.ticket", {"ticket": ticket}, task=task)

        await self._database.write(work)

    async def lose(
        self, attempt: Attempt, *, kind: str, reason: str, data: Mapping[str, Any]
    ) -> None:
        """Cancel an attempt, and the task it began with, as its ticket is not ours to do.

        The task comes back when the tracker says that its ticket is open again.

        Args:
            attempt: the attempt.
            kind: the event that is logged, such as ``ticket.taken``.
            reason: why, for people.
            data: the event's.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """

        def work(c: Connection) -> None:
            own(c, attempt)
            task = find_task(c, attempt.task_id)
            while task.continues is not None:
                task = find_task(c, task.continues)
            log_attempt(c, kind, attempt, {**data, "reason": reason})
            if task.state in OPEN_STATES:
                cancel_task(c, task, reason, reopens=True)

        await self._database.write(work)


def renew_task(c: Connection, number: int, said: NewTask) -> None:
    """Take over what a ticket says now into a task that nobody works on."""
    task = find_task(c, number)
    if task.state is not TaskState.PENDING:
        return
    wanted = {
        "title": said.title, "description": said.description, "priority": said.priority,
        "assignee": said.assignee, "skills": tuple(sorted(set(said.skills))),
        "services": tuple(sorted(set(said.services))),
    }  # fmt: skip
    if all(getattr(task, name) == value for name, value in wanted.items()):
        return
    if task.services != wanted["services"]:
        _set_services(c, number, list(said.services))
    if task.skills != wanted["skills"]:
        c.execute(delete(task_skills).where(task_skills.c.task_id == number))
        for skill in sorted(set(said.skills)):
            c.execute(insert(task_skills).values(task_id=number, skill=skill))
    c.execute(
        update(tasks).where(tasks.c.id == number)
        .values(title=said.title, description=said.description, priority=int(said.priority),
                assignee=said.assignee, skills=sorted(set(said.skills)), updated_at=NOW)
    )  # fmt: skip
    if task.runnable:
        wake(c)


def _set_services(c: Connection, task: int, services: list[str]) -> None:
    wanted = sorted(set(services))
    c.execute(update(tasks).where(tasks.c.id == task).values(services=wanted))
    c.execute(delete(task_services).where(task_services.c.task_id == task))
    for service in wanted:
        c.execute(insert(task_services).values(task_id=task, service=service))


def was_reopened(c: Connection, task: Task, ticket: Mapping[str, Any]) -> bool:
    """Whether a person opened a ticket again after we had said that it is done.

    Only what was read well after our word had arrived says so.

    Args:
        c: the connection.
        task: its task, which is completed.
        ticket: what the tracker says of the ticket, which is open.
    """
    said = (
        select(effects.c.request, effects.c.settled_at)
        .where(
            effects.c.task_id == task.id, effects.c.verb == "set_state",
            effects.c.target == task.ticket, effects.c.state == "done",
        )
        .order_by(effects.c.id.desc())
        .limit(1)
    )  # fmt: skip
    row = c.execute(said).first()
    if row is None or float(ticket.get("read_at") or 0) < float(row[1] or 0) + SETTLED:
        return False
    over = decoded(row[0]).get("state") in ("done", "closed")
    return over or not ticket.get("started")
