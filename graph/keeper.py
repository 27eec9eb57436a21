"""The keeper: one timed write per process that keeps its leases alive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from neveridle.board import Board
from neveridle.board.elapsed import elapsed
from neveridle.errors import LeaseLost
from neveridle.graph.desk import Desk
from neveridle.graph.patience import Patience
from neveridle.graph.wakeups import Wakeups
from neveridle.settings import LeaseSettings

log = logging.getLogger(__name__)


class Keeper:
    """Renews the leases of all runs of this process, beside whatever they do.

    In the same beat it returns to the board what other processes' death left behind.

    Args:
        board: the board.
        desk: whose jobs are cancelled when their lease is lost.
        wakeups: told when something was returned.
        settings: lease and heartbeat.
        attempts: expired attempts after which a task is blocked for a person.

    Attributes:
        before: what is looked at before each heartbeat, which then ends the jobs it cancelled.
    """

    def __init__(
        self,
        board: Board,
        desk: Desk,
        wakeups: Wakeups,
        settings: LeaseSettings,
        *,
        attempts: int,
    ) -> None:
        self._board = board
        self._desk = desk
        self._wakeups = wakeups
        self._settings = settings
        self._attempts = attempts
        self._runs: list[str] = []
        self._task: asyncio.Task[None] | None = None
        self._abandoned: set[tuple[int, int]] = set()
        self._forgotten: set[tuple[int, int]] = set()
        self._patience = Patience(board, settings)
        self.before: list[Callable[[], Awaitable[None]]] = []

    @property
    def runs(self) -> list[str]:
        """The runs kept alive."""
        return list(self._runs)

    def add(self, run: str) -> None:
        """Keep one more run alive."""
        self._runs.append(run)

    def start(self) -> None:
        """Begin to beat."""
        self._task = asyncio.create_task(self._keep(), name="neveridle-keeper")

    async def _keep(self) -> None:
        while True:
            await self._board.clock.sleep(self._settings.heartbeat)
            try:
                await self.beat()
            except Exception as error:  # noqa: BLE001 - a keeper that dies loses every lease
                # The next beat may reach the board again; if none does in time, the
                # lease is over, and every write of ours is refused by its fence.
                log.warning("a heartbeat failed: %s", error)

    async def beat(self) -> None:
        """Renew once, cancel what was lost, return what others left behind."""
        for look in self.before:
            try:
                await look()
            except Exception as error:  # noqa: BLE001 - leases are renewed, whatever this finds
                log.warning("a look before a heartbeat failed: %s", error)
        if self._runs:
            # Jobs taken up while the renewal was on its way are not in its answer.
            before = {(job.attempt.task_id, job.attempt.fence) for job in self._desk.jobs}
            asked = elapsed()
            held = await self._board.database.hot.renew(self._runs, self._settings.lease)
            self._desk.vouch(held, asked)
            self._patience.beaten()
            after = {(job.attempt.task_id, job.attempt.fence) for job in self._desk.jobs}
            self._desk.lose(held | (after - before))
            await self._give_back(held)
        await self.sweep()

    async def _give_back(self, held: set[tuple[int, int]]) -> None:
        """Return what nobody has worked on since the last beat: its tick was given up.

        As when somebody stops iterating over the graph's stream, or a job fenced itself off
        and the board came back: nobody else would notice, and our own heartbeats would keep
        the task for ever.
        """
        abandoned = self._desk.abandoned
        for key in abandoned & self._abandoned:
            job = self._desk.find(*key)
            self._desk.drop(*key)
            if job is not None and not job.lost:
                with suppress(LeaseLost):
                    await self._board.attempts.release(job.attempt)
        self._abandoned = abandoned
        forgotten = {key for key in held if self._desk.find(*key) is None}
        for key in forgotten & self._forgotten:
            attempt = await self._board.attempts.get(*key)
            if attempt is not None and attempt.run in self._runs:
                with suppress(LeaseLost):
                    await self._board.attempts.release(attempt)
        self._forgotten = forgotten

    async def sweep(self) -> None:
        """Return to the board what expired, or whose wait is over; note which service is back."""
        returned = await self._board.sweep(
            expirations=self._attempts,
            lease=self._settings.lease,
            outage_hold=self._settings.outage_hold,
            reclaim=await self._patience.over(),
        )
        if returned or await self._board.breakers_due():
            self._wakeups.nudge()

    async def stop(self) -> None:
        """Stop beating."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
