"""Taking over what an outside source says, inside a transaction of the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, delete, insert, select, update

from neveridle.board.attempt import RESUMABLE, Phase
from neveridle.board.beads.naming import ref_of
from neveridle.board.dependencies import add_edge, remove_edge
from neveridle.board.endings import cancel_task, revive_task
from neveridle.board.lookup import find_ref, find_task, free_ref
from neveridle.board.rows import task_from_row
from neveridle.board.schema import attempts, mirror, task_edges, tasks
from neveridle.board.sql import NOW, log, wake
from neveridle.board.task import OPEN_STATES, REOPENING, Task, TaskState
from neveridle.board.tasks import insert_task
from neveridle.board.tickets import renew_task, was_reopened
from neveridle.errors import DependencyCycle

if TYPE_CHECKING:
    from neveridle.board.syncs import MirrorEntry

UNVERIFIED = (str(Phase.CLAIMED), str(Phase.WORKED))


def take_over(c: Connection, source: str, entries: Sequence[MirrorEntry]) -> list[Task]:
    """Make the board agree with a source; see ``Syncs.mirror``."""
    by_ref: dict[str, MirrorEntry] = {}
    for entry in entries:
        by_ref.setdefault(entry.ref, entry)
    _store(c, source, by_ref)
    new = _insert(c, by_ref)
    _tie(c, by_ref, new)
    _close(c, source, by_ref)
    _let_go(c, source, by_ref)
    return [find_task(c, task) for task in new.values()]


def _store(c: Connection, source: str, entries: Mapping[str, MirrorEntry]) -> None:
    c.execute(delete(mirror).where(mirror.c.source == source))
    for entry in entries.values():
        data = {**entry.data, "open": entry.open, "over": entry.over}
        c.execute(insert(mirror).values(source=source, ref=entry.ref, synced_at=NOW, data=data))


def _at_work_outside(entries: Mapping[str, MirrorEntry], ref: str) -> bool:
    entry = entries.get(ref)
    return entry is not None and not entry.open and not entry.over


def _insert(c: Connection, entries: Mapping[str, MirrorEntry]) -> dict[str, int]:
    """Put open items on the board, or back on it; the ids of those that are new, by ref."""
    new: dict[str, int] = {}
    for entry in entries.values():
        if not entry.open or any(_at_work_outside(entries, ref) for ref in entry.after):
            continue
        task, is_new = insert_task(c, replace(entry.task, ref=entry.ref), wakes=False)
        if is_new:
            new[entry.ref] = task.id
        elif task.state is TaskState.CANCELLED and task.waiting_on == REOPENING:
            revive_task(c, task)
            log(c, "task.reopened", {}, task=task.id)
        elif task.state is TaskState.COMPLETED and _was_reopened(c, task, entry):
            # What was done stays as it is; what is wanted now is another task.
            c.execute(
                update(tasks).where(tasks.c.id == task.id)
                .values(ref=free_ref(c, f"{entry.ref}~"))
            )  # fmt: skip
            before, (task, _) = task.id, insert_task(
                c, replace(entry.task, ref=entry.ref), wakes=False
            )  # fmt: skip
            new[entry.ref] = task.id
            log(c, "task.reopened", {"before": before}, task=task.id)
            continue
        if not is_new and "ticket" in entry.data:
            renew_task(c, task.id, entry.task)
    return new


def _was_reopened(c: Connection, task: Task, entry: MirrorEntry) -> bool:
    ticket = entry.data.get("ticket")
    return isinstance(ticket, dict) and was_reopened(c, task, cast("dict[str, Any]", ticket))


def _tie(c: Connection, entries: Mapping[str, MirrorEntry], new: Mapping[str, int]) -> None:
    """Make new tasks wait for what they come after, and tell of those that need not."""
    for ref, task in new.items():
        for before in entries[ref].after:
            blocker = find_ref(c, before)
            if blocker is None or blocker.state not in OPEN_STATES:
                continue
            try:
                add_edge(c, task, blocker.id)
            except DependencyCycle as error:  # one bad line must not stop the whole source
                log(c, "sync.cycle", {"on": blocker.id, "message": error.message}, task=task)
    for task in new.values():
        if find_task(c, task).runnable:
            wake(c)


def _close(c: Connection, source: str, entries: Mapping[str, MirrorEntry]) -> None:
    """Cancel what nobody has to do any more."""
    idle = (str(TaskState.PENDING), str(TaskState.BLOCKED), str(TaskState.WAITING))
    query = select(tasks).where(
        tasks.c.source == source,
        tasks.c.state.in_(idle),
        tasks.c.ref.is_not(None),
        # What was handed over is at work in somebody else's hands.
        ~tasks.c.waiting_on.startswith("task:"),
        # What came from a file of issues is no item of this source.
        ~tasks.c.ref.startswith(ref_of("")),
    )
    for row in c.execute(query).mappings().all():
        task = task_from_row(row)
        entry = entries.get(task.ref or "")
        if (entry is None or not entry.open) and not has_verified_work(c, task):
            cancel_task(c, task, f"no longer open in {source}", reopens=True)


def has_verified_work(c: Connection, task: Task) -> bool:
    """Whether the next attempt resumes work that was verified, and may be what closed the item."""
    resumed = select(attempts.c.fence).where(
        attempts.c.task_id == task.id,
        attempts.c.fence == task.fence,
        attempts.c.state.in_([str(state) for state in RESUMABLE]),
        attempts.c.phase.not_in(UNVERIFIED),
    )
    return c.execute(resumed).first() is not None


def _let_go(c: Connection, source: str, entries: Mapping[str, MirrorEntry]) -> None:
    """Free what waits for items that were closed outside and are over."""
    query = (
        select(task_edges.c.task_id, tasks.c.id, tasks.c.ref)
        .join(tasks, tasks.c.id == task_edges.c.blocker_id)
        .where(
            tasks.c.source == source,
            tasks.c.state == str(TaskState.CANCELLED),
            tasks.c.waiting_on == REOPENING,
        )
    )
    for waits, blocker, ref in c.execute(query).all():
        if not _at_work_outside(entries, ref):
            remove_edge(c, waits, blocker)
