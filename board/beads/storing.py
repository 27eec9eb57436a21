"""Putting issues on the board as tasks, many at once, inside a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from neveridle.board.beads.issue import Issue
from neveridle.board.beads.naming import own_task, ref_of
from neveridle.board.beads.snapshot import Known, Snapshot
from neveridle.board.beads.telling import MAY_CHANGE_NOTHING, description
from neveridle.board.schema import events, tasks
from neveridle.board.sql import NOW
from neveridle.board.task import OPEN_STATES, Source


def facts(issue: Issue, agents: frozenset[str]) -> dict[str, Any]:
    """The columns of a task that tell what there is to do."""
    assignee = issue.assignee.lower()
    return {
        "title": issue.title,
        "description": description(issue, agents),
        "priority": int(issue.priority),
        "assignee": assignee if assignee in agents else None,
        "needs_change": issue.kind not in MAY_CHANGE_NOTHING,
    }


def add_tasks(
    c: Connection,
    rows: Sequence[tuple[Issue, Mapping[str, Any]]],
    board: Snapshot,
    agents: frozenset[str],
    now: float,
) -> dict[str, int]:
    """Insert tasks, in this order; their ids by issue. The snapshot gets them, too.

    Args:
        c: the connection.
        rows: the issues, each with where it stands, as ``save_states`` takes it.
        board: the tasks there are.
        agents: names of the team's agents, in lower case.
        now: the board's time.
    """
    if not rows:
        return {}
    newest = c.scalar(select(func.max(tasks.c.id))) or 0
    c.execute(
        insert(tasks),
        [
            {
                "source": str(Source.BACKLOG), "ref": ref_of(issue.id), "ticket": issue.id,
                **facts(issue, agents),
                **{name.removeprefix("new_"): value for name, value in stands.items()},
                "skills": [], "services": [], "acceptance": [], "budget": {},
                "created_at": min(issue.created_at or now, now), "updated_at": now,
            }
            for issue, stands in rows
        ],
    )  # fmt: skip
    found: dict[str, int] = {}
    columns = (tasks.c.id, tasks.c.ref, tasks.c.state, tasks.c.waiting_on, tasks.c.created_at)
    for number, ref, state, on, at in c.execute(select(*columns).where(tasks.c.id > newest)):
        board.tasks[number] = Known(number, ref, state, on, 0, None, at, (0, 0))
        found[str(ref).partition(":")[2]] = number
    told = [
        {"at": now, "kind": "task.added", "task_id": found[issue.id],
         "data": {"source": str(Source.BACKLOG), "title": issue.title}}
        for issue, stands in rows if stands["new_state"] in OPEN_STATES
    ]  # fmt: skip
    if told:
        c.execute(insert(events), told)
    return found


def retell(
    c: Connection,
    was: Mapping[str, Issue],
    now: Mapping[str, Issue],
    changed: Iterable[str],
    ids: Mapping[str, int],
    board: Snapshot,
    agents: frozenset[str],
) -> int:
    """Update what tasks say, where their issues say something else now; how many that were."""
    count = 0
    for key in changed:
        if key not in was or key not in ids or own_task(key) is not None:
            continue
        before, after = facts(was[key], agents), facts(now[key], agents)
        new = {name: value for name, value in after.items() if before[name] != value}
        if now[key].status != "open":
            new.pop("assignee", None)  # it tells who is at it, not whom it is for
        if new and board.tasks[ids[key]].state in OPEN_STATES:
            c.execute(update(tasks).where(tasks.c.id == ids[key]).values(updated_at=NOW, **new))
            count += 1
    return count
