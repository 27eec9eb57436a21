"""What cannot be read any more is set aside, so that its task can go on without it."""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import Connection, String, cast, select, update

from neveridle.board.attempt import AttemptState, Phase
from neveridle.board.database import Database
from neveridle.board.lineage import wake_for
from neveridle.board.schema import attempts, tasks
from neveridle.board.sql import NOW, log
from neveridle.errors import StateCorrupted

FACTS: Final = ("outcome", "evidence")
PHASES: Final = frozenset(map(str, Phase))
STATES: Final = frozenset(map(str, AttemptState))


class Repairs:
    """``board.repairs``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_right(self, task: int) -> list[int]:
        """Make the attempts of a task readable again; the fences of those that were not.

        What could not be read is lost, and the attempt counts as failed: its outcome and
        what verify saw go, its phase is the first. So nobody resumes it, and the next
        attempt begins anew with what its clone holds. What it was is logged, shortened.
        Nothing happens to attempts that can be read.
        """
        return await self._database.write(lambda c: _set_right(c, task))


def _set_right(c: Connection, task: int) -> list[int]:
    facts = [cast(attempts.c[name], String).label(name) for name in FACTS]
    query = (
        select(attempts.c.fence, attempts.c.phase, attempts.c.state, attempts.c.agent, *facts)
        .where(attempts.c.task_id == task)
        .order_by(attempts.c.fence)
    )
    broken: list[int] = []
    for row in c.execute(query).mappings().all():
        lost = {name: row[name] for name in FACTS if not _readable(row[name])}
        if row["phase"] not in PHASES:
            lost["phase"] = row["phase"]
        if row["state"] not in STATES:
            lost["state"] = row["state"]
        if not lost:
            continue
        said = ", ".join(lost)
        held = row["state"] == str(AttemptState.ACTIVE)
        c.execute(
            update(attempts)
            .where(attempts.c.task_id == task, attempts.c.fence == row["fence"])
            .values(state=str(AttemptState.FAILED), phase=str(Phase.CLAIMED), outcome=None,
                    evidence=None, ended_at=NOW, error_code=StateCorrupted.code,
                    error=f"What the board had of it could not be read: {said}.")
        )  # fmt: skip
        shown = {name: str(value)[:60] for name, value in lost.items()}
        log(c, "attempt.unreadable", {"lost": shown}, agent=row["agent"], task=task,
            fence=row["fence"])  # fmt: skip
        if held:  # whoever held it stops: its writes are refused from here on
            c.execute(
                update(tasks)
                .where(tasks.c.id == task, tasks.c.fence == row["fence"],
                       tasks.c.state == "in_progress")
                .values(state="pending", updated_at=NOW)
            )  # fmt: skip
            wake_for(c, [task])
        broken.append(int(row["fence"]))
    return broken


def _readable(text: Any) -> bool:
    if text is None:
        return True
    try:
        found: object = json.loads(text)
    except ValueError:
        return False
    return found is None or isinstance(found, dict)
