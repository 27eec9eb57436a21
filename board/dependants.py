"""Who waits for a task, and telling of it when that is in vain; inside a transaction."""

from __future__ import annotations

from sqlalchemy import Connection, select

from neveridle.board.lineage import chunks
from neveridle.board.messages import post
from neveridle.board.schema import task_edges, tasks
from neveridle.board.sql import log
from neveridle.board.stuck import AUTHOR, stuck_event, stuck_message

IDLE = ("pending", "waiting", "blocked")


def dependants(c: Connection, task: int) -> list[int]:
    """The tasks not yet begun that wait for ``task``, directly or through others."""
    found: set[int] = set()
    front = {task}
    while front:
        behind: set[int] = set()
        for ids in chunks(front):
            query = (
                select(task_edges.c.task_id)
                .join(tasks, tasks.c.id == task_edges.c.task_id)
                .where(task_edges.c.blocker_id.in_(ids), tasks.c.state.in_(IDLE))
            )
            behind.update(c.scalars(query))
        front = behind - found
        found |= front
    return sorted(found)


def tell_stuck(c: Connection, task: int, state: str) -> None:
    """Say, once, which tasks cannot go on as ``task`` has stopped; nothing where none waits."""
    waiting = dependants(c, task)
    if waiting:
        log(c, "task.stuck", stuck_event(task, state, waiting), task=task)
        post(c, "dev", AUTHOR, stuck_message(task, state, waiting))
