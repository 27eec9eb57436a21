"""What a task learns about the services it needs, and how their return is noticed."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from neveridle.board.attempt import Attempt
from neveridle.board.attempt_rows import log_attempt, own, release_attempt
from neveridle.board.lookup import find_task
from neveridle.board.schema import services, task_services, tasks
from neveridle.board.sql import NOW, log, wake


def await_service(c: Connection, attempt: Attempt, service: str, why: str, *, learn: bool) -> bool:
    """Return a task until a service can be used again; see ``Attempts.await_service``."""
    own(c, attempt)
    row = c.execute(
        select(services.c.usable, services.c.retry_at, NOW.label("now")).where(
            services.c.name == service
        )
    ).first()
    if row is None or row.usable or (row.retry_at is not None and row.retry_at <= row.now):
        return False
    task = find_task(c, attempt.task_id)
    learnt = learn and service not in task.services
    if learnt:
        needs = sorted({*task.services, service})
        c.execute(update(tasks).where(tasks.c.id == task.id).values(services=needs))
        c.execute(insert(task_services).values(task_id=task.id, service=service))
    data = {"service": service, "why": why[:500], "learnt": learnt, "retry_at": row.retry_at}
    log_attempt(c, "task.needs_service", attempt, data)
    release_attempt(c, attempt)
    return True


def any_due(c: Connection) -> bool:
    """Whether the time of a breaker is over and nobody has been told."""
    return c.execute(select(services.c.name).where(_IS_DUE).limit(1)).first() is not None


def tell_due(c: Connection) -> list[str]:
    """Wake those who rest because a breaker's time is over; the services of which it is.

    Their breakers stay open until a call was answered: only the claim looks away from now on.
    """
    found = c.execute(
        update(services).where(_IS_DUE).values(usable=True).returning(services.c.name)
    )
    names = sorted(found.scalars())
    for name in names:
        log(c, "service.due", {"service": name})
    if names:
        wake(c)
    return names


_IS_DUE = ~services.c.usable & services.c.retry_at.is_not(None) & (services.c.retry_at <= NOW)
