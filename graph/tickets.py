"""The tickets behind tasks: taken when work begins, watched while it lasts, moved as it goes."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from neveridle.board import EffectState, Source, Task
from neveridle.board.attempt import lease_lost
from neveridle.board.withdrawal import may_be_ours
from neveridle.errors import (
    AccessRefused,
    EffectRefused,
    EffectUnsettled,
    ServiceError,
    ServiceUnavailable,
)
from neveridle.graph.desk import Job
from neveridle.graph.nodes.chain import origin
from neveridle.graph.sources.outside import SOURCE
from neveridle.graph.sources.tracker import OutsideTracker, Ticket, Write

if TYPE_CHECKING:
    from neveridle.graph.team import Team

SOON: Final = 30.0
"""Seconds until a task is looked at again whose ticket nobody could be asked about."""
ITEMS: Final = 50
"""Items of the roadmap that are given tickets in one look."""
TAKEN: Final = "ticket.taken"
CLOSED: Final = "ticket.closed"


class TicketDesk:
    """``team.tickets``: what the graph does about tickets; nothing where there is no tracker.

    Args:
        team: the team.
        tracker: its tracker; None: the board is.
    """

    def __init__(self, team: Team, tracker: OutsideTracker | None) -> None:
        self._team = team
        self.tracker = tracker

    async def ref_of(self, task: Task) -> str:
        """The tracker's ref of the ticket behind a task, or a chain of them; empty: none."""
        if self.tracker is None:
            return ""
        first = await origin(self._team, task)
        prefix = f"{self.tracker.name}:"
        if first.source is Source.BACKLOG and (first.ref or "").startswith(prefix):
            return (first.ref or "").removeprefix(prefix)
        return first.ticket if first.source is Source.ROADMAP else ""

    async def begin(self, job: Job) -> bool:
        """Take the ticket of a job that begins; False: the job is over, and why is logged.

        Where the tracker cannot be asked, what is ours already goes on; all else is put off.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """
        ref = await self.ref_of(job.task)
        if self.tracker is None or not ref or may_be_ours(job.attempt):
            return True
        entry = await self._entry(ref)
        ours = bool(entry.get("ours"))
        try:
            if not ours and not await self._take(job, ref):
                return False
        except (ServiceError, AccessRefused) as error:
            await self._put_off(job, error)
            return False
        started = ours and bool(entry.get("ticket", {}).get("started"))
        if not started:
            await self.say(job, "started")
        return True

    async def _take(self, job: Job, ref: str) -> bool:
        """Assign it to the agent; False: somebody else has it."""
        tracker = self.tracker
        assert tracker is not None
        try:
            await self._once(job, await tracker.take(ref, job.attempt.agent))
        except EffectRefused:
            now = await tracker.look(ref)
            with self._team.desk.ending(job):
                await self._lose(job, ref, now)
            return False
        now = await tracker.look(ref)
        if now is not None and now.overtook:  # they were a moment earlier than we
            await self._once(job, await tracker.give_back(ref, now.overtook))
            now = await tracker.look(ref)
        if now is None or now.lost:
            with self._team.desk.ending(job):
                await self._lose(job, ref, now)
            return False
        await self._note(ref, now)
        await self._team.board.tickets.needs_not((await self._root(job)).id, tracker.name)
        return True

    async def say(self, job: Job, state: str) -> None:
        """Move the ticket of a job; where the tracker cannot be used, as soon as it can.

        Args:
            job: the job.
            state: ``started``, ``review``, ``done`` or ``reopened``.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """
        ref = await self.ref_of(job.task)
        if self.tracker is None or not ref:
            return
        write = self.tracker.move(ref, state)
        if write is None:
            return
        try:
            await self._once(job, write)
        except EffectRefused as error:  # such as a workflow without such a state
            await self._team.note_error(error, f"ticket {state}")
        except (ServiceError, AccessRefused) as error:
            if isinstance(error, EffectUnsettled) or not isinstance(error, ServiceUnavailable):
                await self._team.note_error(error, f"ticket {state}")
            await self._team.board.deferred.leave(job.attempt, write.verb, write.target)

    async def make_for_roadmap(self) -> None:
        """Have a ticket made for each open item of the roadmap that has none, where set so."""
        tracker, board = self.tracker, self._team.board
        if tracker is None or not self._team.settings.tracker.roadmap_tickets:
            return
        for task in await board.tickets.without(Source.ROADMAP, limit=ITEMS):
            fingerprint = sha256((task.ref or "").encode()).hexdigest()[:12]
            text = f"{task.description}\n\nRoadmap item `{fingerprint}`."
            write = tracker.make(task.title, text, fingerprint)
            effect = await board.deferred.later(task.id, write.verb, write.target, write.request)
            if effect.state is EffectState.DONE:
                ref = tracker.made(effect.result)
                await board.tickets.attach(task.id, ref, tracker.name)

    async def watch(self) -> None:
        """Cancel the jobs of this process whose tickets were closed or taken, by the mirror."""
        if self.tracker is None:
            return
        for job in self._team.desk.jobs:
            if job.lost or may_be_ours(job.attempt):
                continue
            ref = await self.ref_of(job.task)
            if not ref:
                continue
            data = await self._entry(ref)
            stored: dict[str, Any] | None = data.get("ticket")
            ticket = None if stored is None else Ticket.restored(stored)
            if ticket is None and data:  # known by name only
                continue
            if ticket is None and not await self._team.board.syncs.token(SOURCE):
                continue  # nobody has looked yet
            if ticket is None or ticket.lost:
                await self._lose(job, ref, ticket)

    async def still_ours(self, job: Job) -> None:
        """Ask the tracker, right before delivery, whether the ticket is still ours to do.

        Where it cannot be asked, the mirror has said all there is to know.

        Raises:
            LeaseLost: it is not; the task is cancelled, and why is logged.
        """
        ref = await self.ref_of(job.task)
        if self.tracker is None or not ref:
            return
        try:
            now = await self.tracker.look(ref)
        except (ServiceError, AccessRefused) as error:
            if not isinstance(error, ServiceUnavailable):
                await self._team.note_error(error, "ticket before delivery")
            return
        if now is None or now.lost:
            await self._lose(job, ref, now)
            raise lease_lost(job.attempt.task_id, job.attempt.fence)

    async def _once(self, job: Job, write: Write) -> None:
        async with self._team.fencing.outside(job):
            await self._team.board.effects.once(
                job.attempt, write.verb, write.target, write.request,
                occasion=f"attempt {job.attempt.number}", again=True,
            )  # fmt: skip

    async def _lose(self, job: Job, ref: str, now: Ticket | None) -> None:
        board = self._team.board
        taken = now is not None and bool(now.taken_by) and not now.over
        if now is not None:
            await self._note(ref, now)
        reason = f"{ref} was closed" if now is None or not now.lost else now.lost
        by = now.taken_by if now is not None else ""
        await board.tickets.lose(
            job.attempt, kind=TAKEN if taken else CLOSED, reason=reason,
            data={"ticket": ref, "by": by},
        )  # fmt: skip

    async def _note(self, ref: str, now: Ticket) -> None:
        assert self.tracker is not None
        said = {
            "ticket": now.stored(), "ours": now.ours, "taken_by": now.taken_by,
            "open": now.open, "over": now.over,
        }  # fmt: skip
        await self._team.board.tickets.note(f"{self.tracker.name}:{ref}", said)

    async def _entry(self, ref: str) -> dict[str, Any]:
        assert self.tracker is not None
        name = f"{self.tracker.name}:{ref}"
        return (await self._team.board.tickets.entries([name])).get(name, {})

    async def _root(self, job: Job) -> Task:
        return await origin(self._team, job.task)

    async def _put_off(self, job: Job, error: ServiceError | AccessRefused) -> None:
        """Give a task back until the tracker can be asked again."""
        board = self._team.board
        if not isinstance(error, ServiceUnavailable):
            await self._team.note_error(error, "ticket")
        wait = error.wait if isinstance(error, ServiceError) else None
        until = await board.clock.now() + max(SOON if wait is None else wait, 1.0)
        with self._team.desk.ending(job):
            await board.attempts.park(job.attempt, on="retry", until=until)
