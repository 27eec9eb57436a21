"""Asking people and peers, and going on with what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from neveridle.board.attempt import Attempt, AttemptState
from neveridle.board.attempt_rows import change_task, end_attempt, log_attempt, own
from neveridle.board.database import Database
from neveridle.board.inbox import close_item, find_item, item_from_row, put_item
from neveridle.board.inbox_item import Item, ItemKind, ItemState, NewItem
from neveridle.board.lineage import wake_for
from neveridle.board.lookup import continuation, find_task
from neveridle.board.peer_asking import ask_agent
from neveridle.board.question_rows import (
    DECIDED,
    asked_of_peers,
    asker_of,
    go_on,
    open_items,
    withdraw_items,
)
from neveridle.board.questions import HUMAN, Answer, Ask
from neveridle.board.rows import decoded
from neveridle.board.schema import attempts, inbox
from neveridle.board.storable import storable
from neveridle.board.task import OPEN_STATES, Task, TaskState
from neveridle.errors import StateConflict

TEXT = 8_000
"""Characters that are kept of an answer."""
CHAIN = 100
"""Links of a chain of questions that are looked at; it is as long as the team at most."""


class Answering:
    """``board.answering``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def park(
        self, attempt: Attempt, asks: Sequence[Ask], *, until: float | None = None
    ) -> list[Item]:
        """End the attempt and ask, in one transaction; the next claim goes on with the answers.

        What was asked before is not asked again. What its task asked in other words before
        is withdrawn. Where all is answered by now, the task is runnable at once.

        Args:
            attempt: the attempt.
            asks: what is asked.
            until: when to look again by itself, by the board's clock; None: when answered.

        Returns:
            The items that are new, the oldest first.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """

        def work(c: Connection) -> list[Item]:
            own(c, attempt)
            mine = [one for one in asks if not one.peer]
            task = attempt.task_id
            withdraw_items(c, task, but=frozenset(one.fingerprint(task) for one in mine))
            end_attempt(c, attempt, AttemptState.PARKED)
            new = [
                put_item(c, one.item(agent=attempt.agent, task=task, fence=attempt.fence))
                for one in mine
                if not _known(c, task, one)
            ]
            waiting = open_items(c, task)
            if waiting:
                change_task(c, attempt, state="waiting", waiting_on=HUMAN, waiting_until=until)
            else:
                change_task(c, attempt, state="pending", waiting_on="", waiting_until=None)
            peers = [
                ask_agent(c, find_task(c, task), attempt.agent, one) for one in asks if one.peer
            ]
            data = {"on": HUMAN if waiting or not peers else "peer", "items": waiting,
                    "peers": peers, "started_at": attempt.started_at}  # fmt: skip
            log_attempt(c, "attempt.parked", attempt, data)
            wake_for(c, [task])
            return new

        return await self._database.write(work)

    async def answers(self, task: int) -> list[Answer]:
        """All that a task was answered so far, by people and by peers, the oldest first."""

        def work(c: Connection) -> list[Answer]:
            query = (
                select(inbox)
                .where(inbox.c.task_id == task, inbox.c.kind != str(ItemKind.ALERT),
                       inbox.c.state.in_(DECIDED))
                .order_by(inbox.c.id)
            )  # fmt: skip
            people = [_said(item_from_row(row)) for row in c.execute(query).mappings()]
            peers = [
                _peer_said(c, interrupt, find_task(c, other))
                for interrupt, other in sorted(asked_of_peers(c, task).items())
            ]
            return [*people, *(one for one in peers if one is not None)]

        return await self._database.read(work)

    async def answer(self, item: int, *, approved: bool = True, text: str = "", by: str) -> Item:
        """Answer a question, or say yes or no to what is to be done.

        Once nothing is open for its task, the task is runnable: its attempt goes on.

        Args:
            item: the item's id.
            approved: for an approval, yes or no; a question that is not approved is not
                answered: its agent goes on without.
            text: the answer, or why; at most ``TEXT`` characters.
            by: who answers.

        Raises:
            NotFound: there is no such item.
            StateConflict: it is closed already, by whom and when is said; or it is an alert;
                or a question without an answer; or the answer is too long.
        """
        words = storable(text).strip()
        if len(words) > TEXT:
            msg = f"The answer has {len(words)} characters of {TEXT}."
            raise StateConflict(msg, remedy="Say it shorter, or put it into a file of the project.")

        def work(c: Connection) -> Item:
            found = find_item(c, item)
            _refuse(found, approved=approved, words=words)
            if not _asked_still(c, found):
                return close_item(c, item, ItemState.WITHDRAWN, None, "")
            said = {"approved": approved, "text": words}
            closed = close_item(c, item, ItemState.ANSWERED, said, by)
            if found.task is not None:
                go_on(c, find_task(c, found.task))
            return closed

        return _still(await self._database.write(work))

    async def dismiss(self, item: int, *, by: str) -> Item:
        """Close an item without an answer.

        Who asked a question goes on without; what was to be approved is denied.

        Raises:
            NotFound: there is no such item.
            StateConflict: it is closed already.
        """

        def work(c: Connection) -> Item:
            found = find_item(c, item)
            _refuse_closed(found)
            said = None
            if found.kind is not ItemKind.ALERT:
                said = {"approved": False, "text": ""}
            closed = close_item(c, item, ItemState.DISMISSED, said, by)
            if found.task is not None and found.kind is not ItemKind.ALERT:
                go_on(c, find_task(c, found.task))
            return closed

        return await self._database.write(work)

    async def escalate(self, attempt: Attempt, *, level: str, title: str, body: str) -> Item:
        """Tell people of something, for an agent that goes on; one open alert for each task.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """
        new = NewItem(
            kind=ItemKind.ALERT, fingerprint=f"alert:agent:{attempt.task_id}", level=level,
            title=title, body=body, agent=attempt.agent, task=attempt.task_id,
            fence=attempt.fence,
        )  # fmt: skip

        def work(c: Connection) -> Item:
            own(c, attempt)
            item = put_item(c, new)
            if item.count == 1:
                data = {"level": level, "code": "agent", "to": HUMAN, "item": item.id}
                log_attempt(c, "task.escalated", attempt, data)
            return item

        return await self._database.write(work)

    async def withdraw(self, task: int) -> None:
        """Nobody needs to answer what a task asked."""
        await self._database.write(lambda c: withdraw_items(c, task))

    async def approval(self, fingerprint: str) -> Item | None:
        """The newest decision on what has this fingerprint; None: nobody has decided."""
        query = (
            select(inbox)
            .where(inbox.c.fingerprint == fingerprint,
                   inbox.c.state.in_(DECIDED))
            .order_by(inbox.c.id.desc())
            .limit(1)
        )  # fmt: skip

        def work(c: Connection) -> Item | None:
            row = c.execute(query).mappings().first()
            return None if row is None else item_from_row(row)

        return await self._database.read(work)

    async def peers_asked(self, task: int) -> dict[str, int]:
        """The peers' tasks that a task has asked for so far, by interrupt."""
        return await self._database.read(lambda c: asked_of_peers(c, task))

    async def askers(self, task: int) -> list[str]:
        """The agents that wait, one for the other, for what this task is to find out."""

        def work(c: Connection) -> list[str]:
            names: list[str] = []
            link: int | None = task
            for _ in range(CHAIN):
                if link is None:
                    break
                found = find_task(c, link)
                asker = asker_of(c, link)
                if asker is not None:
                    names += _agents(c, find_task(c, asker))
                link = asker if asker is not None else found.continues
            return list(dict.fromkeys(names))

        return await self._database.read(work)


def _known(c: Connection, task: int, ask: Ask) -> bool:
    """Whether this very thing is open, or was decided: the answer resumes this interrupt."""
    same = (inbox.c.task_id == task) & (inbox.c.fingerprint == ask.fingerprint(task))
    c.execute(update(inbox).where(same, inbox.c.state == "open").values(interrupt=ask.interrupt))
    query = select(inbox.c.id).where(
        same, inbox.c.interrupt == ask.interrupt, inbox.c.state != str(ItemState.WITHDRAWN)
    )
    return c.execute(query.limit(1)).first() is not None


def _refuse(item: Item, *, approved: bool, words: str) -> None:
    _refuse_closed(item)
    if item.kind is ItemKind.ALERT:
        msg = f"Item {item.id} is an alert: there is nothing to answer."
        raise StateConflict(msg, remedy=f"`neveridle inbox dismiss {item.id}` puts it away.")
    if item.kind is ItemKind.QUESTION and approved and not words:
        msg = f"Item {item.id} is a question: it needs an answer."
        raise StateConflict(msg, remedy=f'`neveridle approve {item.id} --answer "…"`')


def _refuse_closed(item: Item) -> None:
    if item.state is not ItemState.OPEN:
        who = f" by {item.answered_by}" if item.answered_by else ""
        when = "" if item.closed_at is None else f" at {_utc(item.closed_at)}"
        msg = f"Item {item.id} was {item.state}{who}{when}."
        raise StateConflict(msg, remedy="`neveridle inbox` shows what is open.")


def _utc(at: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _asked_still(c: Connection, item: Item) -> bool:
    return item.task is None or find_task(c, item.task).state in OPEN_STATES


def _still(item: Item) -> Item:
    if item.state is ItemState.WITHDRAWN:
        msg = f"Item {item.id} is withdrawn: task {item.task} is over."
        raise StateConflict(msg, remedy="`neveridle inbox` shows what is open.")
    return item


def _said(item: Item) -> Answer:
    answer = item.answer or {}
    return Answer(
        interrupt=item.interrupt,
        kind=item.kind,
        approved=item.approved,
        text=str(answer.get("text", "")),
        by=item.answered_by,
        item=item.id,
        question=item.title,
    )


def _peer_said(c: Connection, interrupt: str, task: Task) -> Answer | None:
    """What a peer's task came to; None: it is not over."""
    if task.state in OPEN_STATES:
        return None
    by = task.assignee or "nobody"
    last = task
    for _ in range(CHAIN):
        following = continuation(c, last) or _continued(c, last)
        if following is None:
            break
        last = following
    rows = c.execute(
        select(attempts.c.agent, attempts.c.outcome, attempts.c.error)
        .where(attempts.c.task_id == last.id)
        .order_by(attempts.c.fence.desc())
        .limit(1)
    ).first()
    text = ""
    if rows is not None:
        by = str(rows[0])
        outcome: dict[str, Any] = decoded(rows[1]) or {}
        text = str(outcome.get("summary", "")) or str(rows[2])
    return Answer(
        interrupt=interrupt,
        kind=ItemKind.QUESTION,
        approved=task.state is TaskState.COMPLETED,
        text=text[:TEXT],
        by=by,
        item=task.id,
        peer=True,
        question=task.title,
    )


def _continued(c: Connection, task: Task) -> Task | None:
    """The task that went on with one that is over, the newest."""
    from neveridle.board.schema import tasks

    query = select(tasks.c.id).where(tasks.c.continues == task.id).order_by(tasks.c.id.desc())
    found = c.execute(query.limit(1)).scalar()
    return None if found is None else find_task(c, int(found))


def _agents(c: Connection, task: Task) -> list[str]:
    query = (
        select(attempts.c.agent)
        .where(attempts.c.task_id == task.id, attempts.c.fence == task.fence)
        .limit(1)
    )
    worked = c.execute(query).scalar()
    return [name for name in (worked, task.assignee) if name]
