"""The sync points on the board: where agents who work in parallel meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, insert, select

from neveridle.board.barrier import AUTHOR, close, release_if_ready
from neveridle.board.database import Database
from neveridle.board.lookup import find_task
from neveridle.board.messages import post
from neveridle.board.places import REASON, find_point, link_task, note, place_of, point_from_row
from neveridle.board.schema import board_clock, check_ins, sync_points, sync_tasks
from neveridle.board.sql import log
from neveridle.board.storable import one_line
from neveridle.board.sync_point import (
    CheckedIn,
    NextPhase,
    PointState,
    Policy,
    Standing,
    SyncPoint,
)
from neveridle.board.task import NewTask
from neveridle.board.tasks import insert_task
from neveridle.errors import StateConflict

DAY = 86_400.0
NAME = 100
"""Characters of a name."""


class SyncPoints:
    """``board.sync_points``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        name: str,
        *,
        participants: Sequence[str],
        lead: str,
        next_phase: NextPhase,
        description: str = "",
        within: float = DAY,
        until: float | None = None,
        policy: Policy = Policy.FAIL,
        substitutes: Mapping[str, str] | None = None,
        tasks: Sequence[NewTask] = (),
    ) -> SyncPoint:
        """Put a sync point on the board, with the tasks of its parallel phase.

        Args:
            name: how it is called; no other point on the board has this name.
            participants: the agents who have to check in as ready.
            lead: who gets the next phase when all have.
            next_phase: what the lead is to do then.
            description: what is expected of the participants.
            within: seconds from now to the deadline; a point always has one, as somebody
                may be dead.
            until: the deadline as a time by the board's clock, in place of ``within``.
            policy: what happens at the deadline when somebody is missing.
            substitutes: with ``Policy.SUBSTITUTE``, who takes whose place, by participant.
            tasks: what the participants have to do, each addressed to one of them; who has
                completed all of his has checked in.

        Raises:
            StateConflict: the name is taken, or what is said does not fit together.
        """
        name = one_line(name, 10 * NAME)
        named = list(dict.fromkeys(_agent(one) for one in participants))
        lead = _agent(lead)
        stand_ins = {_agent(k): _agent(v) for k, v in (substitutes or {}).items()}
        _check(name, named, lead, next_phase, policy, stand_ins)

        def work(c: Connection) -> SyncPoint:
            known = select(sync_points.c.state).where(sync_points.c.name == name)
            state = c.execute(known).scalar()
            if state is not None:
                msg = f"There is a sync point '{name}' already; it is {state}."
                raise StateConflict(msg, remedy="Give this one another name.")
            now = float(c.execute(select(board_clock.c.now)).scalar_one())
            deadline = now + within if until is None else until
            if not now < deadline < now + 1000 * 365 * DAY:
                msg = f"The deadline of sync point '{name}' does not lie ahead."
                raise StateConflict(msg, remedy="Give a time later than now.")
            key = c.execute(
                insert(sync_points).values(
                    name=name, description=description, lead=lead,
                    next_phase=next_phase.as_dict(), policy=str(policy), substitutes=stand_ins,
                    deadline=deadline, period=deadline - now, created_at=now,
                )
            ).inserted_primary_key  # fmt: skip
            assert key is not None
            for number, agent in enumerate(named):
                c.execute(
                    insert(check_ins).values(
                        point=int(key[0]), participant=agent, agent=agent, place=number
                    )
                )
            data = {"point": name, "participants": named, "lead": lead, "deadline": deadline}
            log(c, "sync_point.created", data)
            for one in tasks:
                insert_task(c, replace(one, sync=name))
            return find_point(c, int(key[0]))

        return await self._database.write(work)

    async def get(self, which: str | int) -> SyncPoint:
        """One sync point, by its name or its id.

        Raises:
            NotFound: there is none.
        """
        return await self._database.read(lambda c: find_point(c, which))

    async def find(
        self, *, states: Iterable[PointState] | None = None, limit: int = 200
    ) -> list[SyncPoint]:
        """The newest sync points, oldest of them first.

        Args:
            states: only in these; None: in any.
            limit: at most so many.
        """
        query = select(sync_points).order_by(sync_points.c.id.desc()).limit(limit)
        if states is not None:
            query = query.where(sync_points.c.state.in_([str(state) for state in states]))

        def work(c: Connection) -> list[SyncPoint]:
            rows = c.execute(query).mappings().all()
            return [point_from_row(c, row) for row in rows][::-1]

        return await self._database.read(work)

    async def of_task(self, task: int) -> SyncPoint | None:
        """The point that the completion of a task checks in at; None: at none."""
        query = select(sync_tasks.c.point).where(sync_tasks.c.task_id == task)

        def work(c: Connection) -> SyncPoint | None:
            point = c.execute(query).scalar()
            return None if point is None else find_point(c, int(point))

        return await self._database.read(work)

    async def attach(self, which: str | int, task: int) -> SyncPoint:
        """Let the completion of a task that is on the board be its agent's check-in.

        Raises:
            NotFound: there is no such point, or no such task.
            StateConflict: the point is closed, the task is over, belongs to a point
                already, or is addressed to no participant.
        """

        def work(c: Connection) -> SyncPoint:
            point, found = find_point(c, which), find_task(c, task)
            link_task(c, point.name, found)
            return find_point(c, point.id)

        return await self._database.write(work)

    async def check_in(
        self,
        which: str | int,
        agent: str,
        status: Standing = Standing.READY,
        *,
        reason: str = "",
        place: str | None = None,
    ) -> CheckedIn:
        """Say that an agent is ready, or blocked; the last one who is ready releases the point.

        Saying the same twice changes nothing, and neither does anything said once the point
        is closed: the answer says so. Who was blocked may become ready, and the other way
        round, while it is open. Released, the point's event, the message in ``dev`` and the
        dispatch to the lead are one transaction with this check-in.

        Args:
            which: the point's name or id.
            agent: who checks in.
            status: ``READY`` or ``BLOCKED``.
            reason: what stands in the way; needed with ``BLOCKED``, and only then.
            place: for whom the agent stands in; None: its own place, or the only one it
                stands in for.

        Raises:
            NotFound: there is no such point.
            StateConflict: the agent is no participant, or blocked without a reason.
        """
        status, reason, agent = Standing(status), " ".join(reason.split()), _agent(agent)
        _check_status(status, reason)

        def work(c: Connection) -> CheckedIn:
            point = find_point(c, which)
            mine = place_of(point, agent, place=None if place is None else _agent(place))
            if point.state is not PointState.OPEN:
                answer = f"Sync point '{point.name}' is {point.state} already; nothing changed."
                return CheckedIn(point=point, changed=False, released=False, answer=answer)
            if (mine.status, mine.reason) == (status, reason):
                answer = f"{agent} has said so before at sync point '{point.name}'."
                return CheckedIn(point=point, changed=False, released=False, answer=answer)
            note(c, point, mine, status, reason=reason)
            dispatch = release_if_ready(c, find_point(c, point.id))
            point = find_point(c, point.id)
            answer = f"{agent} is {status} at sync point '{point.name}'"
            if dispatch is not None:
                answer += f", which is released: {point.lead} goes on with task {dispatch}."
            else:
                left = ", ".join(one.agent for one in point.missing)
                answer += f"; still missing: {left}."
            return CheckedIn(
                point=point, changed=True, released=dispatch is not None, answer=answer
            )

        return await self._database.write(work)

    async def cancel(self, which: str | int, *, reason: str = "") -> SyncPoint:
        """Give a point up: nothing is dispatched; its participants' tasks stay as they are.

        Cancelling twice changes nothing.

        Raises:
            NotFound: there is no such point.
            StateConflict: it is released, or has failed.
        """

        def work(c: Connection) -> SyncPoint:
            point = find_point(c, which)
            if point.state is PointState.CANCELLED:
                return point
            close(c, point, PointState.CANCELLED, reason=reason[:REASON])
            log(c, "sync_point.cancelled", {"point": point.name, "reason": reason[:500]})
            why = f": {one_line(reason)}" if reason.strip() else ""
            post(c, "dev", AUTHOR, f"Sync point '{point.name}' is cancelled{why}.")
            return find_point(c, point.id)

        return await self._database.write(work)


def _agent(name: str) -> str:
    """A name as agents carry it."""
    return name.strip().lower()


def _check_status(status: Standing, reason: str) -> None:
    if status not in (Standing.READY, Standing.BLOCKED):
        msg = f"Nobody checks in as '{status}'."
        raise StateConflict(msg, remedy="Use ready or blocked.")
    if status is Standing.BLOCKED and not reason:
        msg = "Blocked, without a reason."
        raise StateConflict(msg, remedy="Say what stands in the way.")
    if status is Standing.READY and reason:
        msg = "Ready, with a reason why not."
        raise StateConflict(msg, remedy="Give a reason only with blocked.")
    if len(reason) > REASON:
        msg = f"The reason has {len(reason)} characters; {REASON} are kept."
        raise StateConflict(msg, remedy="Say it shorter.")


def _check(
    name: str,
    participants: Sequence[str],
    lead: str,
    phase: NextPhase,
    policy: Policy,
    substitutes: Mapping[str, str],
) -> None:
    """Refuse a point whose parts do not fit together."""

    def refuse(what: str, remedy: str) -> None:
        msg = f"Sync point '{name[:NAME]}' {what}."
        raise StateConflict(msg, remedy=remedy)

    if not name or len(name) > NAME or name.removeprefix("#").isdigit():
        refuse("cannot be called so", f"Use some words, at most {NAME} characters; not a number.")
    if not participants or not all(participants):
        refuse("has no participants", "Name the agents who have to check in.")
    if not lead:
        refuse("has no lead", "Name the agent who gets the next phase.")
    if not phase.title.strip():
        refuse("has no next phase", "Say in a line what the lead is to do then.")
    if substitutes and policy is not Policy.SUBSTITUTE:
        refuse(f"has substitutes, but its policy is {policy}", "Use the policy substitute.")
    if policy is Policy.SUBSTITUTE and not substitutes:
        refuse("has no substitutes", "Say who takes whose place, or use another policy.")
    for participant, other in substitutes.items():
        if participant not in participants:
            refuse(f"has no participant {participant}", "Substitute only for participants.")
        if not other or other == participant:
            refuse(f"has no substitute for {participant}", "Name another agent.")
