"""What a process has on its desk: the attempts it works on just now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from neveridle.board import Attempt, Task
from neveridle.board.attempt import lease_lost

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
        runner: the asyncio task that works on it; cancelled when the lease is lost.
        lost: whether the lease was lost.
        notes: what later nodes need of earlier ones in the same process.
    """

    task: Task
    attempt: Attempt
    previous: Attempt | None
    workspace: Workspace | None = None
    runner: asyncio.Task[Any] | None = None
    lost: bool = False
    notes: dict[str, Any] = field(default_factory=dict[str, Any])


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

    def get(self, task: int, fence: int) -> Job:
        """A job at work.

        Raises:
            LeaseLost: its lease was lost meanwhile.
        """
        job = self._jobs.get((task, fence))
        if job is None or job.lost:
            raise lease_lost(task, fence)
        return job

    def drop(self, task: int, fence: int) -> None:
        """Be done with a job; nothing happens where there is none."""
        self._jobs.pop((task, fence), None)

    @property
    def jobs(self) -> list[Job]:
        """All jobs at work."""
        return list(self._jobs.values())

    def lose(self, held: set[tuple[int, int]]) -> list[Job]:
        """Cancel every job whose attempt is not among ``held`` any more; those cancelled."""
        gone = [job for key, job in self._jobs.items() if key not in held and not job.lost]
        for job in gone:
            job.lost = True
            if job.runner is not None:
                job.runner.cancel()
        return gone
