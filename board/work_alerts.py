"""Alerts about tasks, put into the inbox in the transaction of what they tell of.

A piece of work has one at a time, however many agents it was handed to: a graver one takes
the place of those before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from neveridle.board.attempt import Attempt
from neveridle.board.inbox import close_item, put_item
from neveridle.board.inbox_item import ItemKind, ItemState, NewItem
from neveridle.board.lookup import find_task
from neveridle.board.schema import attempts, inbox
from neveridle.board.task import Task

FAILED: Final = "task-failed"
CIRCLES: Final = "handoff-refused"
STUCK: Final = "stuck"
ABOUT_WORK: Final = (FAILED, CIRCLES, STUCK)
SHOWN: Final = 20
"""Attempts that evidence shows, the newest."""
SAID: Final = 1_000
"""Characters of an attempt's error that it shows."""


def alert_failed(
    c: Connection, attempt: Attempt, action: str, *, level: str = "HUMAN_ALERT"
) -> None:
    """A task has failed everywhere: call a person, with all attempts as evidence.

    Args:
        c: the connection.
        attempt: the last attempt, which has ended.
        action: what the person is asked to do.
        level: who is called.
    """
    chain = _chain(c, attempt.task_id)
    ids = [task.id for task in chain]
    query = (
        select(attempts)
        .where(attempts.c.task_id.in_(ids))
        .order_by(attempts.c.started_at.desc(), attempts.c.fence.desc())
        .limit(SHOWN)
    )
    tried = [
        {"task": row["task_id"], "agent": row["agent"], "number": row["number"],
         "ended": row["state"], "code": row["error_code"], "error": row["error"][:SAID]}
        for row in reversed(c.execute(query).mappings().all())
    ]  # fmt: skip
    failed = sum(one["ended"] == "failed" for one in tried)
    title = f"Task {attempt.task_id} failed {failed} times: {chain[-1].title}"
    _withdraw(c, ids)
    _put(
        c, FAILED, chain, attempt, title=title, body=action,
        evidence={"tasks": ids, "attempts": tried}, level=level,
    )  # fmt: skip


def alert_circles(
    c: Connection, attempt: Attempt, action: str, evidence: Mapping[str, Any]
) -> None:
    """A task only goes round between agents, and is blocked: call a person."""
    chain = _chain(c, attempt.task_id)
    _withdraw(c, [task.id for task in chain])
    _put(
        c, CIRCLES, chain, attempt, title=f"Agents hand round: {chain[-1].title}", body=action,
        evidence=evidence,
    )  # fmt: skip


def alert_stuck(c: Connection, attempt: Attempt, error: str, evidence: Mapping[str, Any]) -> None:
    """An attempt went in circles and was stopped; the task is tried again all the same."""
    chain = _chain(c, attempt.task_id)
    body = f"{error}\n`neveridle tasks show {attempt.task_id}` shows how the task stands."
    _put(
        c, STUCK, chain, attempt, title=f"{attempt.agent} went in circles: {chain[0].title}",
        body=body, evidence=evidence,
    )  # fmt: skip


def calm(c: Connection, task: int) -> None:
    """Withdraw what people were called for about a task: somebody has acted, or it is done."""
    _withdraw(c, [one.id for one in _chain(c, task)])


def _chain(c: Connection, task: int) -> list[Task]:
    """A task, and those whose work it continues, back to the first."""
    found = [find_task(c, task)]
    while found[-1].continues is not None:  # each link is older
        found.append(find_task(c, found[-1].continues))
    return found


def _put(
    c: Connection, code: str, chain: list[Task], attempt: Attempt, *, title: str, body: str,
    evidence: Mapping[str, Any], level: str = "HUMAN_ALERT",
) -> None:  # fmt: skip
    put_item(
        c,
        NewItem(
            kind=ItemKind.ALERT, fingerprint=_fingerprint(code, chain[0].id), title=title,
            body=body, level=level, evidence=evidence, agent=attempt.agent,
            task=attempt.task_id, fence=attempt.fence,
        ),
    )  # fmt: skip


def _withdraw(c: Connection, ids: Sequence[int]) -> None:
    marks = [_fingerprint(code, task) for code in ABOUT_WORK for task in ids]
    query = select(inbox.c.id).where(inbox.c.fingerprint.in_(marks), inbox.c.state == "open")
    for item in list(c.scalars(query)):
        close_item(c, int(item), ItemState.WITHDRAWN, None, "")


def _fingerprint(code: str, task: int) -> str:
    return f"alert:{code}:{task}"
