"""The handoffs on the board: given in one transaction with the end of the sender's attempt."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, update

from neveridle.board.attempt import Attempt, AttemptState
from neveridle.board.attempts import own
from neveridle.board.database import Database
from neveridle.board.endings import end_active
from neveridle.board.handoff import Handoff, HandoffDocument
from neveridle.board.lookup import find_ref, find_task, waits_for
from neveridle.board.memories import insert_lesson
from neveridle.board.messages import post
from neveridle.board.schema import handoffs, task_edges, tasks
from neveridle.board.sql import NOW, log
from neveridle.board.task import NewTask, Source, Task, TaskState
from neveridle.board.tasks import insert_task
from neveridle.errors import NotFound, StateConflict


class Handoffs:
    """``board.handoffs``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def give(
        self,
        attempt: Attempt,
        *,
        to: str,
        document: HandoffDocument,
        verified: bool,
        learning: Mapping[str, Any] | None = None,
    ) -> Handoff:
        """Hand the attempt's task over: all of it happens, or nothing.

        The sender's attempt ends, its task waits for the receiver's, the receiver gets a
        dispatch that continues it, and the channel ``dev`` is told.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """

        def work(c: Connection) -> Handoff:
            own(c, attempt)
            task = find_task(c, attempt.task_id)
            if learning is not None:
                insert_lesson(c, attempt, learning)
            return hand_over(
                c, task, attempt.agent, to, document, verified=verified, run=attempt.run
            )

        return await self._database.write(work)

    async def give_by_hand(
        self, task: int, *, sender: str, to: str, document: HandoffDocument
    ) -> Handoff:
        """Hand over a task that nobody works on, as a person does.

        What the task waits for, the receiver's waits for too.

        Raises:
            NotFound: there is no such task.
            StateConflict: it is at work or over.
        """

        def work(c: Connection) -> Handoff:
            found = find_task(c, task)
            if found.state not in (TaskState.PENDING, TaskState.BLOCKED, TaskState.FAILED):
                msg = f"Task {task} is {found.state}."
                raise StateConflict(msg, remedy="Only pending, blocked or failed ones.")
            return hand_over(c, found, sender, to, document, verified=False, run=None)

        return await self._database.write(work)

    async def get(self, handoff: int) -> Handoff:
        """One handoff.

        Raises:
            NotFound: there is none with this id.
        """
        return await self._database.read(lambda c: _find(c, handoff))

    async def latest(self, *, limit: int = 200) -> list[Handoff]:
        """The newest handoffs, oldest of them first."""
        query = select(handoffs).order_by(handoffs.c.id.desc()).limit(limit)
        return await self._database.read(
            lambda c: [_handoff(row) for row in c.execute(query).mappings()][::-1]
        )


def hand_over(
    c: Connection,
    task: Task,
    sender: str,
    to: str,
    document: HandoffDocument,
    *,
    verified: bool,
    run: str | None,
) -> Handoff:
    """Hand a task over that is not over, inside a transaction."""
    blockers = select(task_edges.c.blocker_id).where(task_edges.c.task_id == task.id)
    dispatch, _ = insert_task(
        c,
        NewTask(
            source=Source.DISPATCH,
            title=f"Continue: {document.action}",
            ref=_free_ref(c, f"{task.key}>{to}"),
            ticket=task.ticket,
            priority=task.priority,
            assignee=to,
            services=task.services,
            acceptance=task.acceptance,
            needs_change=task.needs_change,
            after=tuple(c.scalars(blockers.order_by(task_edges.c.blocker_id))),
            continues=task.id,
        ),
    )
    key = c.execute(
        insert(handoffs).values(
            task_id=task.id, fence=task.fence, dispatch_id=dispatch.id, sender=sender,
            receiver=to, document=document.as_dict(), verified=verified, created_at=NOW,
        )
    ).inserted_primary_key  # fmt: skip
    assert key is not None
    handoff = int(key[0])
    c.execute(update(tasks).where(tasks.c.id == dispatch.id).values(handoff=handoff))
    end_active(c, task, AttemptState.HANDED_OFF)
    c.execute(
        update(tasks)
        .where(tasks.c.id == task.id)
        .values(state="waiting", waiting_on=waits_for(dispatch.id), waiting_until=None,
                blocked_owner="", blocked_action="", updated_at=NOW)
    )  # fmt: skip
    name = task.ticket or f"task {task.id}"
    post(c, "dev", sender, f"Handing off {name} to @{to}: {document.action}")
    data = {"to": to, "handoff": handoff, "dispatch": dispatch.id, "verified": verified}
    log(c, "task.handed_off", data, agent=sender, run=run, task=task.id, fence=task.fence)
    return _find(c, handoff)


def _free_ref(c: Connection, base: str) -> str:
    """``base``, or the first of ``base#2``, ``base#3`` … that no task has.

    Two tasks may have the same key, and one may be handed to the same agent twice.
    """
    return next(
        ref
        for number in itertools.count(1)
        if find_ref(c, ref := base if number == 1 else f"{base}#{number}") is None
    )


def _find(c: Connection, handoff: int) -> Handoff:
    row = c.execute(select(handoffs).where(handoffs.c.id == handoff)).mappings().first()
    if row is None:
        msg = f"There is no handoff {handoff}."
        raise NotFound(msg, remedy="`neveridle handoff list` lists them.")
    return _handoff(row)


def _handoff(row: Mapping[Any, Any]) -> Handoff:
    return Handoff(
        id=row["id"],
        task_id=row["task_id"],
        fence=row["fence"],
        dispatch_id=row["dispatch_id"],
        sender=row["sender"],
        receiver=row["receiver"],
        document=HandoffDocument.from_dict(row["document"]),
        verified=bool(row["verified"]),
        created_at=row["created_at"],
    )
