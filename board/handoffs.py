"""The handoffs on the board: given in one transaction with the end of the sender's attempt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from neveridle.board.attempt import Attempt, AttemptState
from neveridle.board.attempt_rows import own
from neveridle.board.circles import Link, refuse_circle
from neveridle.board.database import Database
from neveridle.board.endings import end_active
from neveridle.board.handoff import Handoff, HandoffDocument
from neveridle.board.lineage import PART_OF, own_edges, parents_of, wake_for
from neveridle.board.links import add_link
from neveridle.board.lookup import find_task, free_ref, waits_for
from neveridle.board.memories.lessons import insert_lesson
from neveridle.board.messages import post
from neveridle.board.places import follow
from neveridle.board.schema import handoffs, tasks
from neveridle.board.sql import NOW, log
from neveridle.board.storable import one_line
from neveridle.board.task import NewTask, Source, Task, TaskState
from neveridle.board.tasks import insert_task
from neveridle.board.work_alerts import calm
from neveridle.errors import NotFound, StateConflict

TITLE = 200
"""Characters of the receiver's title; the whole action is in the document."""


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
            StateConflict: the document is not complete or too long, or the receiver is the
                sender or nobody.
            HandoffRefused: the work only goes round; see ``refuse_circle``.
        """

        def work(c: Connection) -> Handoff:
            own(c, attempt)
            document.check()
            task = find_task(c, attempt.task_id)
            receiver = _receiver(to, sender=attempt.agent)
            new = Link.of(attempt.agent, receiver, document.as_dict(), verified=verified)
            refuse_circle(c, task, new)
            if learning is not None:
                insert_lesson(c, attempt, learning)
            return hand_over(
                c, task, attempt.agent, receiver, document, verified=verified, run=attempt.run
            )

        return await self._database.write(work)

    async def give_by_hand(
        self, task: int, *, sender: str, to: str, document: HandoffDocument
    ) -> Handoff:
        """Hand over a task that nobody works on, as a person does.

        What the task waits for, the receiver's waits for too.

        Raises:
            NotFound: there is no such task.
            StateConflict: it is at work or over, or the handoff is none, as for ``give``;
                but a person may hand the same work over as often as it takes.
        """

        def work(c: Connection) -> Handoff:
            document.check()
            found = find_task(c, task)
            receiver = _receiver(to, sender=sender)
            if found.state not in (TaskState.PENDING, TaskState.BLOCKED, TaskState.FAILED):
                msg = f"Task {task} is {found.state}."
                raise StateConflict(msg, remedy="Only pending, blocked or failed ones.")
            return hand_over(c, found, sender, receiver, document, verified=False, run=None)

        return await self._database.write(work)

    async def get(self, handoff: int) -> Handoff:
        """One handoff.

        Raises:
            NotFound: there is none with this id.
        """
        return await self._database.read(lambda c: _find(c, handoff))

    async def latest(self, *, limit: int = 200) -> list[Handoff]:
        """The newest handoffs, oldest of them first."""
        query = _query().order_by(handoffs.c.id.desc()).limit(limit)
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
    blockers = own_edges(c, [task.id]).get(task.id, set())
    parents = parents_of(c, [task.id])[task.id]
    dispatch, _ = insert_task(
        c,
        NewTask(
            source=Source.DISPATCH,
            title=one_line(f"Continue: {document.action}", TITLE),
            # Two tasks may have the same key, and one may go to the same agent twice.
            ref=free_ref(c, f"{task.key}>{to}"),
            ticket=task.ticket,
            priority=task.priority,
            assignee=to,
            services=task.services,
            acceptance=task.acceptance,
            needs_change=task.needs_change,
            after=tuple(sorted(blockers)),
            continues=task.id,
        ),
        wakes=False,
    )
    for parent in sorted(parents):
        add_link(c, dispatch.id, parent, PART_OF)
    wake_for(c, [dispatch.id])
    key = c.execute(
        insert(handoffs).values(
            task_id=task.id, fence=task.fence, dispatch_id=dispatch.id, sender=sender,
            receiver=to, document=document.as_dict(), verified=verified, created_at=NOW,
        )
    ).inserted_primary_key  # fmt: skip
    assert key is not None
    handoff = int(key[0])
    c.execute(update(tasks).where(tasks.c.id == dispatch.id).values(handoff=handoff))
    ended = end_active(c, task, AttemptState.HANDED_OFF)
    calm(c, task.id)  # somebody else goes on with it
    c.execute(
        update(tasks)
        .where(tasks.c.id == task.id)
        .values(state="waiting", waiting_on=waits_for(dispatch.id), waiting_until=None,
                blocked_owner="", blocked_action="", updated_at=NOW)
    )  # fmt: skip
    follow(c, task.id)
    name = task.ticket or f"task {task.id}"
    post(c, "dev", sender, f"Handing off {name} to @{to}: {one_line(document.action)}")
    data: dict[str, Any] = {
        "to": to,
        "handoff": handoff,
        "dispatch": dispatch.id,
        "verified": verified,
    }
    if ended is not None:  # else a person handed it over, or the attempt had failed before
        data["started_at"] = ended[2]
    log(c, "task.handed_off", data, agent=sender, run=run, task=task.id, fence=task.fence)
    return _find(c, handoff)


def _receiver(to: str, *, sender: str) -> str:
    """The receiver's name; who works here is known to those who have the roster."""
    receiver = to.strip().lower()
    if not receiver:
        msg = "The handoff has no receiver."
        raise StateConflict(msg, remedy="Name the agent who goes on.")
    if receiver == sender.strip().lower():
        msg = f"{sender} cannot hand over to itself."
        raise StateConflict(msg, remedy="Go on with the task, or name another agent.")
    return receiver


def _query() -> Select[Any]:
    return select(handoffs, tasks.c.ticket).join(tasks, tasks.c.id == handoffs.c.task_id)


def _find(c: Connection, handoff: int) -> Handoff:
    row = c.execute(_query().where(handoffs.c.id == handoff)).mappings().first()
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
        ticket=row["ticket"],
    )
