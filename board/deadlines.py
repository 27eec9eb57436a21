"""What happens at the deadlines of sync points, inside a transaction."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from neveridle.board.barrier import AUTHOR, fail, quoted, release
from neveridle.board.handoff import HandoffDocument
from neveridle.board.handoffs import hand_over
from neveridle.board.lookup import find_task, free_ref
from neveridle.board.messages import post
from neveridle.board.places import end_of_chain, find_point, follow_all, link_task
from neveridle.board.schema import board_clock, check_ins, sync_points, sync_tasks
from neveridle.board.sql import NOW, log
from neveridle.board.sync_point import Place, Policy, Standing, SyncPoint
from neveridle.board.task import OPEN_STATES, NewTask, Priority, Source, TaskState
from neveridle.board.tasks import insert_task


def meet_deadlines(c: Connection) -> list[int]:
    """Apply the policies of open points whose deadline has come; the ids of those points.

    Before that, every place follows its tasks: a task can come to a stop in ways that know
    nothing of sync points, such as a worker that died too often.
    """
    now = c.execute(select(board_clock.c.now)).scalar_one()
    open_points = (
        select(sync_points.c.id)
        .where(sync_points.c.state == "open")
        .order_by(sync_points.c.deadline, sync_points.c.id)
    )
    met: list[int] = []
    for number in list(c.scalars(open_points)):
        point = follow_all(c, find_point(c, int(number)))
        if point.deadline <= now:
            _meet(c, point)
            met.append(point.id)
    return met


def _meet(c: Connection, point: SyncPoint) -> None:
    missing = point.missing
    lost = [place for place in missing if not _replaceable(point, place)]
    if not missing or point.policy is Policy.GO_ON:
        release(c, point)
    elif point.policy is Policy.SUBSTITUTE and not lost:
        _substitute(c, point)
    else:
        fail(c, point, "; ".join(_says(place) for place in missing))


def _replaceable(point: SyncPoint, place: Place) -> bool:
    """Whether a substitute is declared, and has not been tried already."""
    return place.agent == place.participant and place.participant in point.substitutes


def _says(place: Place) -> str:
    who = place.agent
    if place.agent != place.participant:
        who += f", who stood in for {place.participant},"
    if place.status is Standing.BLOCKED:
        return f"{who} is blocked: {quoted(place.reason)}"
    return f"{who} did not check in"


def _substitute(c: Connection, point: SyncPoint) -> None:
    """Let substitutes take the places of the missing, and give them as long again."""
    c.execute(
        update(sync_points)
        .where(sync_points.c.id == point.id)
        .values(deadline=NOW + sync_points.c.period)
    )
    for place in point.missing:
        to = point.substitutes[place.participant]
        c.execute(
            update(check_ins)
            .where(check_ins.c.point == point.id, check_ins.c.participant == place.participant)
            .values(agent=to, status=str(Standing.EXPECTED), reason="", task_id=None, at=NOW)
        )
        given = _give_tasks(c, point, place, to) or [_dispatch(c, point, place, to)]
        data = {"point": point.name, "place": place.participant, "to": to, "tasks": given}
        log(c, "sync_point.substituted", data, agent=to)
        post(
            c, "dev", AUTHOR,
            f"@{to} At sync point '{point.name}' you stand in for {place.participant}, "
            f"{'who is blocked' if place.status is Standing.BLOCKED else 'who did not check in'}.",
        )  # fmt: skip


def _give_tasks(c: Connection, point: SyncPoint, place: Place, to: str) -> list[int]:
    """Hand over what is left of the missing one's tasks; the tasks the substitute has now."""
    given: list[int] = []
    for number in place.tasks:
        task = end_of_chain(c, find_task(c, number))
        if task.state not in OPEN_STATES:
            if task.state is not TaskState.COMPLETED:  # nobody will complete it any more
                c.execute(delete(sync_tasks).where(sync_tasks.c.task_id == number))
            continue
        if task.assignee == to:  # it was handed over to the substitute already
            given.append(task.id)
            continue
        document = HandoffDocument(
            summary=f"{place.agent} did not bring this to sync point '{point.name}' by its "
            "deadline; you take it over.",
            action=task.title.removeprefix("Continue: "),
            blockers=(place.reason,) if place.reason else (),
        )
        handoff = hand_over(c, task, AUTHOR, to, document, verified=False, run=None)
        given.append(handoff.dispatch_id)
    return given


def _dispatch(c: Connection, point: SyncPoint, place: Place, to: str) -> int:
    """Tell a substitute what is expected, where no task says so."""
    why = f", blocked: {quoted(place.reason)}" if place.reason else ""
    task, _ = insert_task(
        c,
        NewTask(
            source=Source.DISPATCH,
            title=f"Stand in for {place.participant} at sync point '{point.name}'",
            description=(
                f"{place.participant} did not check in by the deadline{why}. What was expected "
                f"there: {point.description or point.next_phase.title}\n\n"
                "Completing this task is the check-in."
            ),
            ref=free_ref(c, f"sync:{point.name}>{to}"),
            priority=Priority.HIGH,
            assignee=to,
            needs_change=False,
        ),
    )
    link_task(c, point.name, task, place=place.participant)
    return task.id
