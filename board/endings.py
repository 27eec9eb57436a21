"""Cancelling tasks and taking them up again, inside a transaction of the caller."""

from __future__ import annotations

from sqlalchemy import Connection, update

from neveridle.board.attempt import AttemptState
from neveridle.board.dependants import tell_stuck
from neveridle.board.dependencies import count_waiting
from neveridle.board.lookup import continuation, find_task, handed_over_by
from neveridle.board.places import follow
from neveridle.board.question_rows import ask_anew, asked_of_peers, let_go, withdraw_items
from neveridle.board.schema import attempts, tasks
from neveridle.board.sql import NOW, log, wake
from neveridle.board.task import OPEN_STATES, REOPENING, Task, TaskState
from neveridle.board.work_alerts import calm
from neveridle.errors import StateConflict


def end_active(c: Connection, task: Task, state: AttemptState) -> tuple[str, str, float] | None:
    """End whatever attempt is active on a task; its agent, run and start, if there is one."""
    row = c.execute(
        update(attempts)
        .where(
            attempts.c.task_id == task.id,
            attempts.c.fence == task.fence,
            attempts.c.state == "active",
        )
        .values(state=str(state), ended_at=NOW)
        .returning(attempts.c.agent, attempts.c.run, attempts.c.started_at)
    ).first()
    withdraw_items(c, task.id)
    return None if row is None else (row.agent, row.run, row.started_at)


def cancel_task(c: Connection, task: Task, reason: str, *, reopens: bool = False) -> None:
    """Cancel a task that is not over.

    What it was handed over to is cancelled with it. A task that was handed over to it is
    blocked for a person: its work is not done, and nobody would go on with it.

    Args:
        c: the connection.
        task: the task.
        reason: why, for people.
        reopens: whether it comes back when its source says it is open again.
    """
    receiver, sender = continuation(c, task), handed_over_by(c, task)
    ended = end_active(c, task, AttemptState.CANCELLED)
    c.execute(
        update(tasks)
        .where(tasks.c.id == task.id)
        .values(state="cancelled", waiting_on=REOPENING if reopens else "", waiting_until=None,
                blocked_owner="", blocked_action="", completed_at=NOW, updated_at=NOW)
    )  # fmt: skip
    count_waiting(c, task.id, -1)
    if ended is None:
        log(c, "task.cancelled", {"reason": reason}, task=task.id)
    else:  # somebody was at it
        agent, run, started_at = ended
        data = {"reason": reason, "started_at": started_at}
        log(c, "task.cancelled", data, agent=agent, run=run, task=task.id, fence=task.fence)
    calm(c, task.id)
    let_go(c, task.id)
    for peer in asked_of_peers(c, task.id).values():  # nobody needs these answers any more
        asked = find_task(c, peer)
        if asked.state in OPEN_STATES:
            cancel_task(c, asked, f"task {task.id}, which asked, was cancelled")
    if not reopens:  # else its source says what becomes of those that wait for it
        tell_stuck(c, task.id, "cancelled")
    if receiver is not None and receiver.state in OPEN_STATES:
        cancel_task(c, receiver, f"task {task.id}, which it continued, was cancelled")
    if sender is not None and sender.state is TaskState.WAITING:
        action = (
            f"task {task.id}, to which it was handed over, was cancelled: "
            f"`neveridle tasks retry {sender.id}` takes it back"
        )
        c.execute(
            update(tasks)
            .where(tasks.c.id == sender.id)
            .values(state="blocked", blocked_owner="human", blocked_action=action,
                    updated_at=NOW)
        )  # fmt: skip
        log(c, "task.blocked", {"owner": "human", "action": action}, task=sender.id)
        tell_stuck(c, sender.id, "blocked")
    follow(c, task.id)


def revive_task(c: Connection, task: Task) -> None:
    """Make a blocked, waiting, failed or cancelled task pending again, all forgiven.

    Raises:
        StateConflict: somebody else goes on with it, or with what it continued.
    """
    receiver, sender = continuation(c, task), handed_over_by(c, task)
    if receiver is not None and task.state is TaskState.WAITING:
        msg = f"Task {task.id} was handed over to task {receiver.id}, which is {receiver.state}."
        remedy = f"`neveridle tasks cancel {receiver.id}` first, or leave it to that one."
        raise StateConflict(msg, remedy=remedy)
    if task.state is TaskState.CANCELLED and task.handoff is not None:
        _reconnect(c, task, sender)
    c.execute(
        update(tasks)
        .where(tasks.c.id == task.id)
        .values(state="pending", failures=0, expirations=0, waiting_on="", waiting_until=None,
                blocked_owner="", blocked_action="", completed_at=None, updated_at=NOW)
    )  # fmt: skip
    ask_anew(c, task.id)
    if task.state not in OPEN_STATES:
        count_waiting(c, task.id, 1)
    calm(c, task.id)
    if find_task(c, task.id).runnable:
        wake(c)
    follow(c, task.id)


def _reconnect(c: Connection, task: Task, sender: Task | None) -> None:
    """Let the sender of a cancelled handoff wait for it again."""
    if sender is None or sender.state is not TaskState.BLOCKED:
        msg = f"Task {task.continues}, which task {task.id} continued, goes on without it."
        raise StateConflict(msg, remedy=f"Retry task {task.continues}, or hand it over again.")
    c.execute(
        update(tasks)
        .where(tasks.c.id == sender.id)
        .values(state="waiting", blocked_owner="", blocked_action="", updated_at=NOW)
    )
