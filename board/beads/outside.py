"""Issues that were closed in their file while an agent was at them; inside a transaction."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from neveridle.board.beads.issue import issue_from
from neveridle.board.beads.naming import SOURCE
from neveridle.board.lineage import wake_for
from neveridle.board.rows import decoded
from neveridle.board.schema import mirror, task_edges, tasks
from neveridle.board.sql import NOW, log


def closed_in_file(c: Connection, name: str) -> bool:
    """Whether an issue was closed when its file was read last."""
    said = select(mirror.c.data).where(mirror.c.source == SOURCE, mirror.c.ref == name)
    row = c.execute(said).first()
    issue = None if row is None else issue_from(decoded(row[0]))
    return issue is not None and issue.status == "closed"


def complete_closed(c: Connection, task: int) -> None:
    """Make a task completed that was just cancelled because its issue is closed."""
    c.execute(
        update(tasks)
        .where(tasks.c.id == task)
        .values(state="completed", unblocks=0, waiting_on="", completed_at=NOW, updated_at=NOW)
    )
    behind = select(task_edges.c.task_id).where(task_edges.c.blocker_id == task)
    waiting = [int(one) for one in c.scalars(behind)]
    one_less = tasks.c.open_blockers - 1
    c.execute(update(tasks).where(tasks.c.id.in_(behind)).values(open_blockers=one_less))
    log(c, "task.completed", {"by": SOURCE}, task=task)
    wake_for(c, waiting)
