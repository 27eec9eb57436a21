"""What a process has on its desk: the attempts it works on just now."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from neveridle.board import Attempt, Task
from neveridle.board.attempt import lease_lost
from neveridle.graph.state import TickState
from neveridle.tools.telemetry import AttemptTrace

if TYPE_CHECKING:
    from neveridle.tools.workspace import Workspace


@dataclass(slots=True)
class Job:
    """One attempt at work in this process.

    Attributes:
        task: the task as it was claimed.
        attempt: the attempt as it was last written.
        previous: the attempt before it.
        workspace: its clone, once there is one.
        released: the attempt whose block was lifted, where this one goes on after that.
        runner: the asyncio task that works on it; cancelled when the lease is lost.
        lost: whether the lease was lost.
        ending: whether the board is just being told of the attempt's end.
        vouched: when the board was asked that last confirmed the lease, by this host's
            ``elapsed`` clock.
        notes: what later nodes need of earlier ones in the same process.
        trace: what is traced of it.
    """

    task: Task
    attempt: Attempt
    previous: Attempt | None
    workspace: Workspace | None = None
    released: Attempt | None = None
    runner: asyncio.Task[Any] | None = None
    lost: bool = False
    ending: bool = False
    vouched: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict[str, Any])
    trace: AttemptTrace | None = None


class Desk:
    """The jobs of this process, by task and fence."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[int, int], Job] = {}

    def put(self, job: Job) -> None:
        """Take a job up."""
        self._jobs[job.attempt.task_id, job.attempt.fence] = job

    def find(self, task: int, fence: int) -> Job | None:
        """A job, lost or not; None where there is none."""
        return self._jobs.get((task, fence))

    def of(self, state: TickState) -> Job:
        """The job that a tick works on.

        Raises:
            LeaseLost: its lease was lost meanwhile.
        """
        task, fence = state.get("task", 0), state.get("fence", 0)
        job = self._jobs.get((task, fence))
        if job is None or job.lost:
            raise lease_lost(task, fence)
        return job

    def run_by(self, runner: asyncio.Task[Any] | None) -> Job | None:
        """The job that an asyncio task works on just now, lost or not."""
        return next((job for job in self._jobs.values() if job.runner is runner), None)

    def drop(self, task: int, fence: int) -> None:
        """Be done with a job; nothing happens where there is none."""
        job = self._jobs.pop((task, fence), None)
        if job is not None and job.trace is not None and job.runner is None:
            job.trace.end("lost" if job.lost else "released")  # no node is there to see to it

    @contextmanager
    def ending(self, job: Job) -> Generator[None]:
        """Tell the board of an attempt's end; once it has been told, we are done with the job.

        An attempt that has ended is none of ours for the heartbeat either. One that came
        between the end and its answer would take it for lost, and cancel who waits for the
        answer. Where it really was lost, the answer says so.
        """
        job.ending = True
        try:
            yield
        finally:
            job.ending = False
        self.drop(job.attempt.task_id, job.attempt.fence)

    @property
    def jobs(self) -> list[Job]:
        """All jobs at work."""
        return list(self._jobs.values())

    @property
    def abandoned(self) -> set[tuple[int, int]]:
        """Jobs that no node works on at this moment: a tick is between two, or was given up."""
        return {key for key, job in self._jobs.items() if job.runner is None}

    def vouch(self, held: set[tuple[int, int]], since: float) -> None:
        """Note that the board, asked at ``since``, confirmed these leases."""
        for key in held & self._jobs.keys():
            self._jobs[key].vouched = max(self._jobs[key].vouched, since)

    def lose(self, held: set[tuple[int, int]]) -> list[Job]:
        """Cancel every job whose attempt is not among ``held`` any more; those cancelled."""
        gone = [
            job
            for key, job in self._jobs.items()
            if key not in held and not job.lost and not job.ending
        ]
        for job in gone:
            job.lost = True
            if job.runner is not None:
                job.runner.cancel()
        return gone
