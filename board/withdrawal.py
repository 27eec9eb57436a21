"""Not doing again what was done outside meanwhile, inside a transaction of the caller."""

from __future__ import annotations

from sqlalchemy import Connection, select

from neveridle.board.attempt import Attempt, Phase
from neveridle.board.attempt_rows import own
from neveridle.board.beads.naming import issue_of
from neveridle.board.beads.outside import closed_in_file, complete_closed
from neveridle.board.endings import cancel_task
from neveridle.board.lookup import find_task
from neveridle.board.rows import decoded
from neveridle.board.schema import mirror, syncs
from neveridle.board.task import Source, Task

OUTSIDE = (Source.BACKLOG, Source.ROADMAP)


def closed_outside(c: Connection, task: Task) -> Task | None:
    """The task behind this one whose item is done or dropped at its source; None: it is not.

    That is the task itself, or the one that a chain of handoffs began with. An item at
    which somebody is, perhaps we ourselves, is not closed.
    """
    while task.continues is not None:
        task = find_task(c, task.continues)
    if task.source not in OUTSIDE or task.ref is None:
        return None
    issue = issue_of(task.ref)
    if issue is not None:
        return task if closed_in_file(c, issue) else None
    synced = select(syncs.c.synced_at).where(syncs.c.source == str(task.source))
    if c.execute(synced).scalar() is None:
        return None
    said = select(mirror.c.data).where(
        mirror.c.source == str(task.source), mirror.c.ref == task.ref
    )
    row = c.execute(said).first()
    entry = {"open": False, "over": True} if row is None else decoded(row[0])
    return task if not entry.get("open") and entry.get("over", True) else None


def may_be_ours(attempt: Attempt) -> bool:
    """Whether the attempt's own work may be what closed the item: it was verified."""
    return attempt.phase not in (Phase.CLAIMED, Phase.WORKED)


def withdraw(c: Connection, task: Task) -> None:
    """Cancel a task that was closed outside, with all that continues it; it may come back.

    One from a file of issues is completed, as an import would have: no sync lets go of what
    waits for it.
    """
    cancel_task(c, task, f"no longer open in {task.source}", reopens=True)
    if issue_of(task.ref) is not None:
        complete_closed(c, task.id)


def withdraw_closed(c: Connection, attempt: Attempt, *, change: bool = False) -> bool:
    """Whether somebody else closed the item of an attempt's task; ``change``: withdraw it then."""
    own(c, attempt)
    found = None if may_be_ours(attempt) else closed_outside(c, find_task(c, attempt.task_id))
    if found is not None and change:
        withdraw(c, found)
    return found is not None
