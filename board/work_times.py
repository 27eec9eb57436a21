"""How long attempts were really worked on, inside a transaction of the caller."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select, update

from neveridle.board.attempt import Attempt
from neveridle.board.schema import attempts, work_times
from neveridle.board.sql import NOW


def note_work(c: Connection, attempt: Attempt) -> None:
    """Count what passed since the last heartbeat, as the attempt's owner ends it.

    Never more than its lease allows: a clock that jumped meanwhile is not work.
    """
    mine = (work_times.c.task_id == attempt.task_id) & (work_times.c.fence == attempt.fence)
    now = float(c.execute(select(NOW)).scalar_one())
    known = c.execute(select(work_times.c.until).where(mine)).scalar()
    lease_until = float(
        c.execute(
            select(attempts.c.lease_until).where(
                attempts.c.task_id == attempt.task_id, attempts.c.fence == attempt.fence
            )
        ).scalar_one()
    )
    since = attempt.started_at if known is None else float(known)
    more = max(0.0, min(now, lease_until) - since)
    if known is None:
        c.execute(
            insert(work_times).values(
                task_id=attempt.task_id, fence=attempt.fence, seconds=more, until=now
            )
        )
    else:
        c.execute(
            update(work_times).where(mine).values(seconds=work_times.c.seconds + more, until=now)
        )


def worked_before(c: Connection, attempt: Attempt) -> float:
    """Seconds for which the attempts that this one resumes were worked on."""
    same = (work_times.c.task_id == attempts.c.task_id) & (work_times.c.fence == attempts.c.fence)
    query = (
        select(func.coalesce(func.sum(work_times.c.seconds), 0.0))
        .select_from(attempts)
        .join(work_times, same)
        .where(
            attempts.c.task_id == attempt.task_id,
            attempts.c.number == attempt.number,
            attempts.c.fence < attempt.fence,
        )
    )
    return float(c.execute(query).scalar_one())
