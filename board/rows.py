"""From rows of the database to the board's records, whichever way they were read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from neveridle.board.attempt import Attempt, AttemptState, Phase
from neveridle.board.task import Priority, Source, Task, TaskState
from neveridle.errors import StateCorrupted

LOOK = "What it belongs to begins anew; look at the disk, and at who else writes to the board."


def decoded(value: object) -> Any:
    """A JSON column, which plain sqlite3 gives as text and SQLAlchemy as a value.

    Raises:
        StateCorrupted: it is no JSON.
    """
    return from_json(value) if isinstance(value, str) else value


def from_json(text: str) -> Any:
    """What a JSON column holds; SQLAlchemy's engines read with this, too.

    Raises:
        StateCorrupted: it is no JSON.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        msg = f"A row of the board holds what is no JSON: {text[:60]!r} ({error})."
        raise StateCorrupted(msg, remedy=LOOK) from error


def _facts(value: object) -> dict[str, Any] | None:
    found: object = decoded(value)
    if found is not None and not isinstance(found, dict):
        msg = f"it holds {str(found)[:60]!r} where facts belong"
        raise ValueError(msg)
    return cast("dict[str, Any] | None", found)


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in decoded(value) or ())


def task_from_row(row: Any) -> Task:
    """A task from a row of ``tasks``: a mapping, or a ``sqlite3.Row``."""
    one = cast("Mapping[str, Any]", row)
    return Task(
        id=one["id"],
        source=Source(one["source"]),
        ref=one["ref"],
        ticket=one["ticket"],
        title=one["title"],
        description=one["description"],
        priority=Priority(one["priority"]),
        assignee=one["assignee"],
        state=TaskState(one["state"]),
        waiting_on=one["waiting_on"],
        waiting_until=one["waiting_until"],
        blocked_owner=one["blocked_owner"],
        blocked_action=one["blocked_action"],
        skills=_strings(one["skills"]),
        services=_strings(one["services"]),
        acceptance=_strings(one["acceptance"]),
        needs_change=bool(one["needs_change"]),
        budget=decoded(one["budget"]) or {},
        open_blockers=one["open_blockers"],
        unblocks=one["unblocks"],
        fence=one["fence"],
        failures=one["failures"],
        continues=one["continues"],
        handoff=one["handoff"],
        created_at=one["created_at"],
        updated_at=one["updated_at"],
        completed_at=one["completed_at"],
    )


def attempt_from_row(row: Any) -> Attempt:
    """An attempt from a row of ``attempts``: a mapping, or a ``sqlite3.Row``.

    Raises:
        StateCorrupted: it is none that could be read.
    """
    one = cast("Mapping[str, Any]", row)
    try:
        return _attempt(one)
    except (ValueError, StateCorrupted) as error:
        task = int(one["task_id"])
        msg = f"Attempt {task}:{one['fence']} cannot be read: {error}"
        raise StateCorrupted(msg, remedy=LOOK, task=task) from error


def _attempt(one: Mapping[str, Any]) -> Attempt:
    return Attempt(
        task_id=one["task_id"],
        fence=one["fence"],
        run=one["run"],
        agent=one["agent"],
        number=one["number"],
        resumes=one["resumes"],
        phase=Phase(one["phase"]),
        state=AttemptState(one["state"]),
        lease_until=one["lease_until"],
        started_at=one["started_at"],
        ended_at=one["ended_at"],
        branch=one["branch"],
        base=one["base"],
        commit=one["commit"],
        outcome=_facts(one["outcome"]),
        evidence=_facts(one["evidence"]),
        error_code=one["error_code"],
        error=one["error"],
    )
