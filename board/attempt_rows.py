"""The rows of attempts, inside transactions of the caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select, update

from neveridle.board.attempt import Attempt, AttemptState, lease_lost
from neveridle.board.lineage import wake_for
from neveridle.board.question_rows import withdraw_items
from neveridle.board.schema import attempts, tasks
from neveridle.board.sql import NOW, log
from neveridle.board.work_times import note_work


def same_attempt(attempt: Attempt) -> Any:
    """The condition that a row is this attempt's."""
    return (attempts.c.task_id == attempt.task_id) & (attempts.c.fence == attempt.fence)


def own(c: Connection, attempt: Attempt) -> None:
    """Refuse, inside a transaction, what an attempt writes that does not own its task.

    Raises:
        LeaseLost: its fence is stale, or it has ended.
    """
    row = c.execute(
        select(attempts.c.state, attempts.c.run, tasks.c.fence)
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .where(same_attempt(attempt))
    ).first()
    if row is None or row[0] != "active" or row[1] != attempt.run or row[2] != attempt.fence:
        raise lease_lost(attempt.task_id, attempt.fence)


def end_attempt(c: Connection, attempt: Attempt, state: AttemptState, **facts: Any) -> None:
    """End an attempt, its work counted; its task is the caller's to change."""
    note_work(c, attempt)
    if state in (AttemptState.FAILED, AttemptState.BLOCKED):
        withdraw_items(c, attempt.task_id)  # the next one begins anew, and may ask again
    c.execute(
        update(attempts)
        .where(same_attempt(attempt))
        .values(state=str(state), ended_at=NOW, **facts)
    )


def release_attempt(c: Connection, attempt: Attempt) -> None:
    """End an attempt without blame, its task pending again."""
    end_attempt(c, attempt, AttemptState.RELEASED)
    change_task(c, attempt, state="pending")
    log_attempt(c, "attempt.released", attempt, {"started_at": attempt.started_at})
    wake_for(c, [attempt.task_id])


def change_task(c: Connection, attempt: Attempt, **values: Any) -> None:
    """Change the row of an attempt's task."""
    c.execute(update(tasks).where(tasks.c.id == attempt.task_id).values(updated_at=NOW, **values))


def log_attempt(c: Connection, kind: str, attempt: Attempt, data: Mapping[str, Any]) -> None:
    """Log an event of an attempt."""
    log(c, kind, data, agent=attempt.agent, run=attempt.run, task=attempt.task_id,
        fence=attempt.fence)  # fmt: skip
