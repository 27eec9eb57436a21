"""Raising what a task may cost, with all that it was handed over to."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select, update

from neveridle.board.budget import NANOS, task_scope
from neveridle.board.database import Database
from neveridle.board.endings import revive_task
from neveridle.board.inbox import close_item
from neveridle.board.inbox_item import ItemState
from neveridle.board.lookup import find_task
from neveridle.board.schema import budgets, inbox, tasks
from neveridle.board.sql import NOW, log
from neveridle.board.task import Task, TaskState
from neveridle.errors import BudgetReached, StateConflict

COMMAND = "neveridle budget raise"
"""What a task that is blocked for its budget asks a person to do; by this it is known."""


async def raise_budget(
    database: Database, task: int, *, tokens: int | None = None, cost: float | None = None
) -> Task:
    """Set what a task may cost in all; where it is blocked for that, it is pending again.

    The budget is that of the whole chain of handoffs, and is kept with its first task.

    Args:
        database: the board's.
        task: any of the chain.
        tokens: how many it may use in all; None: as before.
        cost: how many US dollars it may cost in all; None: as before.

    Raises:
        NotFound: there is no such task.
        StateConflict: nothing is raised, or as much has been used already.
    """
    wanted = {"tokens": tokens, "cost": cost}
    raised = {name: value for name, value in wanted.items() if value is not None}
    if not raised:
        msg = "Neither tokens nor cost is given."
        raise StateConflict(msg, remedy="Say --tokens N, --cost DOLLARS, or both.")
    return await database.write(lambda c: _raise(c, task, raised))


def _raise(c: Connection, task: int, raised: Mapping[str, float]) -> Task:
    found = first = find_task(c, task)
    while first.continues is not None:
        first = find_task(c, first.continues)
    _check(c, first, raised)
    for one in {first.id: first, found.id: found}.values():
        c.execute(
            update(tasks)
            .where(tasks.c.id == one.id)
            .values(budget={**one.budget, **raised}, updated_at=NOW)
        )
    log(c, "task.budget_raised", {**raised, "scope": task_scope(first.id)}, task=task)
    alert = f"alert:{BudgetReached.code}:{task_scope(first.id)}"
    items = select(inbox.c.id).where(inbox.c.fingerprint == alert, inbox.c.state == "open")
    for item in c.scalars(items).all():
        close_item(c, int(item), ItemState.WITHDRAWN, None, "")
    if found.state is TaskState.BLOCKED and COMMAND in found.blocked_action:
        revive_task(c, found)
    return find_task(c, task)


def _check(c: Connection, first: Task, raised: Mapping[str, float]) -> None:
    """Refuse a budget that is used up already."""
    row = c.execute(select(budgets).where(budgets.c.scope == task_scope(first.id))).mappings()
    used = row.first()
    if used is None:
        return
    spent = {"tokens": int(used["tokens"]), "cost": int(used["nanos"]) / NANOS}
    for name, value in raised.items():
        if value <= spent[name]:
            shown = f"{spent[name]:,} tokens" if name == "tokens" else f"${spent[name]:.4f}"
            msg = f"The task has used {shown} already."
            raise StateConflict(msg, remedy=f"Give --{name} more than that: it counts in all.")
