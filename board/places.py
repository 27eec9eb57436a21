"""The places at sync points and the tasks that speak for them, inside a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, update

from neveridle.board.lookup import continuation, find_task
from neveridle.board.messages import post
from neveridle.board.rows import decoded
from neveridle.board.schema import check_ins, sync_points, sync_tasks
from neveridle.board.sql import NOW, log
from neveridle.board.storable import storable
from neveridle.board.sync_point import NextPhase, Place, PointState, Policy, Standing, SyncPoint
from neveridle.board.task import OPEN_STATES, Task, TaskState
from neveridle.errors import NotFound, StateConflict

STOPPED = (TaskState.BLOCKED, TaskState.FAILED, TaskState.CANCELLED)
"""States of a task that somebody must act on before it can be completed."""

REASON = 2_000
"""Characters of a reason."""


def find_point(c: Connection, which: str | int) -> SyncPoint:
    """One sync point, by its name or its id.

    Raises:
        NotFound: there is none.
    """
    mine = sync_points.c.id == which if isinstance(which, int) else sync_points.c.name == which
    row = c.execute(select(sync_points).where(mine)).mappings().first()
    if row is None:
        msg = f"There is no sync point '{which}'."
        raise NotFound(msg, remedy="`neveridle sync` lists them.")
    return point_from_row(c, row)


def point_from_row(c: Connection, row: Mapping[Any, Any]) -> SyncPoint:
    """A point with its places, from a row of ``sync_points``."""
    linked: dict[str, list[int]] = {}
    links = select(sync_tasks.c.participant, sync_tasks.c.task_id).where(
        sync_tasks.c.point == row["id"]
    )
    for participant, task in c.execute(links.order_by(sync_tasks.c.task_id)):
        linked.setdefault(str(participant), []).append(int(task))
    places = select(check_ins).where(check_ins.c.point == row["id"]).order_by(check_ins.c.place)
    return SyncPoint(
        id=row["id"],
        name=row["name"],
        description=row["description"],
        lead=row["lead"],
        next_phase=NextPhase.from_dict(decoded(row["next_phase"])),
        policy=Policy(row["policy"]),
        substitutes={str(k): str(v) for k, v in decoded(row["substitutes"]).items()},
        deadline=row["deadline"],
        period=row["period"],
        state=PointState(row["state"]),
        dispatch_id=row["dispatch_id"],
        reason=row["reason"],
        created_at=row["created_at"],
        closed_at=row["closed_at"],
        places=tuple(
            Place(
                participant=one["participant"],
                agent=one["agent"],
                status=Standing(one["status"]),
                reason=one["reason"],
                said_by=one["task_id"],
                tasks=tuple(linked.get(one["participant"], ())),
                at=one["at"],
            )
            for one in c.execute(places).mappings()
        ),
    )


def place_of(point: SyncPoint, agent: str, *, place: str | None = None) -> Place:
    """The place that an agent checks in for.

    Args:
        point: the sync point.
        agent: who checks in.
        place: whose place it is; None: the agent's own, else the one it stands in for.

    Raises:
        StateConflict: it has none, somebody else has taken it, or it has several.
    """
    mine = [one for one in point.places if one.agent == agent]
    for one in mine:
        if one.participant == (place or agent):
            return one
    if place is None and len(mine) == 1:
        return mine[0]
    if place is None and mine:
        names = ", ".join(one.participant for one in mine)
        msg = f"{agent} stands in for {names} at sync point '{point.name}'."
        raise StateConflict(msg, remedy="Say for whom it checks in.")
    for one in point.places:
        if one.participant == (place or agent):
            msg = f"The place of {one.participant} at sync point '{point.name}' is {one.agent}'s."
            raise StateConflict(msg, remedy=f"Only {one.agent} checks in for it.")
    msg = f"{place or agent} is no participant of sync point '{point.name}'."
    there = ", ".join(one.participant for one in point.places)
    raise StateConflict(msg, remedy=f"The participants are {there}.")


def note(
    c: Connection,
    point: SyncPoint,
    place: Place,
    status: Standing,
    *,
    reason: str = "",
    task: int | None = None,
) -> bool:
    """Note how the one in a place stands, and tell of it; whether that was news.

    Args:
        c: the connection.
        point: an open sync point.
        place: the place, as it stands.
        status: how the one in it stands now.
        reason: why it is blocked.
        task: the task whose end says so; None: somebody did.
    """
    reason = storable(reason)[:REASON]
    if (place.status, place.reason, place.said_by) == (status, reason, task):
        return False
    c.execute(
        update(check_ins)
        .where(check_ins.c.point == point.id, check_ins.c.participant == place.participant)
        .values(status=str(status), reason=reason, task_id=task, at=NOW)
    )
    if (place.status, place.reason) == (status, reason):
        return True
    data = {"point": point.name, "place": place.participant, "status": str(status)}
    if reason:
        data["reason"] = reason[:500]
    log(c, "sync_point.checked_in", data, agent=place.agent, task=task)
    if status is Standing.BLOCKED:
        text = f"@{point.lead} I am blocked at sync point '{point.name}': {reason}"
        post(c, "dev", place.agent, text)
    return True


def link_task(c: Connection, name: str, task: Task, *, place: str | None = None) -> None:
    """Let the completion of a task be its agent's check-in at a sync point.

    Args:
        c: the connection.
        name: the point's name.
        task: the task.
        place: see ``place_of``.

    Raises:
        NotFound: there is no such point.
        StateConflict: the point is closed, the task is over or belongs to a point already,
            or its agent has no place at this one.
    """
    point = find_point(c, name)
    if point.state is not PointState.OPEN:
        msg = f"Sync point '{name}' is {point.state}."
        raise StateConflict(msg, remedy="Only an open one can be checked in at.")
    if task.assignee is None:
        msg = f"Task {task.id} is addressed to nobody, so nobody checks in at '{name}' by it."
        raise StateConflict(msg, remedy="Address it to one of the participants.")
    if task.state not in OPEN_STATES:
        msg = f"Task {task.id} is {task.state}."
        raise StateConflict(msg, remedy="Only a task that is not over can be awaited.")
    of = select(sync_tasks.c.point).where(sync_tasks.c.task_id == task.id)
    known = c.execute(of).scalar()
    if known is not None:
        msg = f"Task {task.id} belongs to sync point '{find_point(c, int(known)).name}'."
        raise StateConflict(msg, remedy="A task checks in at one point only.")
    mine = place_of(point, task.assignee, place=place)
    c.execute(
        insert(sync_tasks).values(task_id=task.id, point=point.id, participant=mine.participant)
    )
    note(c, point, mine, Standing.EXPECTED)  # more is to be done, whatever was said before
    follow(c, task.id)


def linked_places(c: Connection, task: int) -> list[tuple[SyncPoint, Place]]:
    """The places at open points for which a task speaks, or one that it continues."""
    found: list[tuple[SyncPoint, Place]] = []
    lineage: int | None = task
    while lineage is not None:  # each link of a chain of handoffs is older
        row = (
            c.execute(select(sync_tasks).where(sync_tasks.c.task_id == lineage)).mappings().first()
        )
        if row is not None:
            point = find_point(c, int(row["point"]))
            if point.state is PointState.OPEN:
                found += [(point, p) for p in point.places if p.participant == row["participant"]]
        lineage = find_task(c, lineage).continues
    return found


def end_of_chain(c: Connection, task: Task) -> Task:
    """Who has the work of a task now: itself, or what it was handed over to."""
    while task.state is TaskState.WAITING:
        receiver = continuation(c, task)
        if receiver is None:
            break
        task = receiver
    return task


def judge(c: Connection, place: Place) -> tuple[Standing, str, int | None]:
    """What the tasks of a place say: how it stands, why, and which task says so."""
    ends = [(task, end_of_chain(c, find_task(c, task))) for task in place.tasks]
    for task, end in ends:
        if end.state in STOPPED:
            return Standing.BLOCKED, _why(end), task
    if ends and all(end.state is TaskState.COMPLETED for _, end in ends):
        return Standing.READY, "", ends[-1][0]
    return Standing.EXPECTED, "", None


def _why(task: Task) -> str:
    if task.state is TaskState.BLOCKED:
        return f"task {task.id} waits for {task.blocked_owner}: {task.blocked_action}"
    return f"task {task.id} is {task.state}"


def follow(c: Connection, task: int) -> None:
    """Let the places for which a task speaks follow its state, where it was not completed.

    What somebody said is not taken back by it: only who was expected becomes blocked, and
    only who was blocked by a task is expected again.
    """
    for point, place in linked_places(c, task):
        _follow(c, point, place)


def _follow(c: Connection, point: SyncPoint, place: Place) -> None:
    status, reason, said_by = judge(c, place)
    blocked = place.status is Standing.BLOCKED and place.said_by is not None
    if status is Standing.BLOCKED and (place.status is Standing.EXPECTED or blocked):
        note(c, point, place, status, reason=reason, task=said_by)
    elif status is Standing.EXPECTED and blocked:
        note(c, point, place, status)


def follow_all(c: Connection, point: SyncPoint) -> SyncPoint:
    """Let all places of an open point follow their tasks; the point as it stands then."""
    for place in point.places:
        _follow(c, point, place)
    return find_point(c, point.id)
