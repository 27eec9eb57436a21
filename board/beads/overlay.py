"""What the team did, said in the words of Beads: records as they are exported."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, cast

from neveridle.board.beads.issue import BLOCKS, PARENT, PRIORITIES, Issue, tie_from
from neveridle.board.beads.naming import CANCELLED_HERE
from neveridle.board.beads.rule import FANOUT, HELD, HOLDING, Kind, Standing
from neveridle.board.task import Task

STATUS = {
    "pending": "open",
    "in_progress": "in_progress",
    "waiting": "in_progress",
    "blocked": "blocked",
    "failed": "blocked",
    "completed": "closed",
    "cancelled": "closed",
}

Record = dict[str, Any]


def stamp(at: float) -> str:
    """A time as Beads writes it."""
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def status_of(task: Task) -> str:
    """What a task's state is called in Beads."""
    if task.state == "waiting" and task.waiting_on == "human":
        return "blocked"
    return STATUS[task.state]


def is_unchanged(task: Task, stands: Standing) -> bool:
    """Whether a task is still where its issue put it."""
    if task.state in ("waiting", "blocked") and task.waiting_on.startswith(HELD):
        return stands.kind in (Kind.HELD, Kind.OPEN)  # open, but in a circle
    if stands.kind is Kind.GONE:
        return True  # what was deleted there is not brought back by us
    at = {Kind.OPEN: "pending", Kind.DONE: "completed"}.get(stands.kind)
    return task.state == at


def told(issue: Issue, task: Task | None, stands: Standing, worker: str | None) -> Record:
    """An issue's record with what the team did to it; the record itself where that is nothing.

    Args:
        issue: as it was read last.
        task: its task; None: it was finished here, and has aged out.
        stands: where the issue stands by itself.
        worker: who is at it, or completed it.
    """
    if task is None:
        if stands.kind in (Kind.DONE, Kind.GONE):
            return issue.record
        at = issue.record.get("updated_at") or issue.record.get("created_at") or stamp(0)
        return {**issue.record, "status": "closed", "closed_at": at}
    if is_unchanged(task, stands):
        return issue.record
    record = {**issue.record, "status": status_of(task), "updated_at": stamp(task.updated_at)}
    if record["status"] == "closed":
        record["closed_at"] = stamp(task.completed_at or task.updated_at)
        record["close_reason"] = _why_closed(task, worker)
    else:
        for name in ("closed_at", "close_reason", "closed_by_session"):
            record.pop(name, None)
    if worker is not None and record["status"] == "in_progress":
        record["assignee"] = worker
    return record


def _why_closed(task: Task, worker: str | None) -> str:
    if task.state == "cancelled":
        return CANCELLED_HERE
    return f"completed by {worker}" if worker else "completed"


def own_record(name: str, task: Task, worker: str | None) -> Record:
    """The record of a task that did not come from Beads."""
    status = status_of(task)
    record: Record = {
        "id": name,
        "title": task.title[:500],
        "description": task.description,
        "acceptance_criteria": "\n".join(f"- `{command}` succeeds" for command in task.acceptance),
        "status": status,
        "priority": PRIORITIES.index(task.priority),
        "issue_type": "task",
        "assignee": worker or task.assignee or "",
        "created_at": stamp(task.created_at),
        "updated_at": stamp(task.updated_at),
        "labels": [str(task.source)],
    }
    if status == "closed":
        record["closed_at"] = stamp(task.completed_at or task.updated_at)
        record["close_reason"] = _why_closed(task, worker)
    if task.ref:
        record["external_ref"] = f"neveridle:{task.ref}"
    return {key: value for key, value in record.items() if value != ""}


def retied(
    record: Record,
    issue: Issue | None,
    name: str,
    wanted: set[tuple[str, str]],
    here: Collection[str],
    at: str,
) -> Record:
    """A record with the ties that its task has on the board.

    What the file says beside these (ties to what is not on the board, gates, metadata) stays
    as it is, item by item.

    Args:
        record: the record.
        issue: what was read of it; None: nothing, it is a task of our own.
        name: the issue's id.
        wanted: the other ends of its ties, with their kinds (``blocks`` for all that hold it
            up); those that an import left out are among them.
        here: the issues that have a task on the board.
        at: when ties that are not in the record were made, as far as that is known.
    """
    said: set[tuple[str, str]] = set()
    for tie in () if issue is None else issue.ties:
        if tie.task == name:
            said.add((tie.other, BLOCKS if tie.kind in HOLDING else tie.kind))
    fixed = {end for end in said if end[0] not in here or end[0] == name or end[1] == FANOUT}
    added, gone = wanted - said, said - wanted - fixed
    if not added and not gone:
        return record
    items = [item for item in _items(record) if not _is_tie_of(item, gone)]
    items += [
        {"issue_id": name, "depends_on_id": other, "type": kind, "created_at": at}
        for other, kind in sorted(added)
    ]
    new = {**record, "dependencies": items}
    if any(kind == PARENT for _, kind in gone):
        new.pop("parent", None)  # Beads works it out from the dependencies
    if not items:
        del new["dependencies"]
    return new


def _items(record: Record) -> list[object]:
    items = record.get("dependencies")
    return list(cast("list[object]", items)) if isinstance(items, list) else []


def _is_tie_of(item: object, ends: set[tuple[str, str]]) -> bool:
    tie = tie_from("", item)
    if tie is None:
        return False
    return (tie.other, BLOCKS if tie.kind in HOLDING else tie.kind) in ends
