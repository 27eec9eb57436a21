"""Self-fencing: who cannot prove that its lease holds writes nothing outside.

The board refuses a stale fence, but a branch, a tracker or a chat do not know of fences. So
each process keeps, by a clock that nobody can set, when it last heard from the board that an
attempt is its own, and stops by itself when that is a lease ago: nobody takes over before.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from neveridle.board.attempt import lease_lost
from neveridle.board.clock import BoardClock
from neveridle.board.elapsed import elapsed
from neveridle.graph.desk import Job

RESERVE = 10.0
"""Seconds a write outside should have before the lease can be over, at most."""
POLL = 0.05


class Fencing:
    """Says for how long an attempt is certainly ours.

    With a scripted clock it always is: leases then end when somebody says so.

    Args:
        clock: the board's.
        lease: seconds.
    """

    def __init__(self, clock: BoardClock, lease: float) -> None:
        self._clock = clock
        self._lease = lease

    def left(self, job: Job) -> float:
        """Seconds for which nobody can have taken the job over yet; at most 0: unknown."""
        if self._clock.scripted:
            return math.inf
        return job.vouched + self._lease - elapsed()

    @asynccontextmanager
    async def outside(self, job: Job) -> AsyncGenerator[None]:
        """Write to something that knows nothing of fences.

        Waits, for at most a lease, until the board has confirmed the lease where that is in
        doubt. What has begun is cancelled when the lease can be over before it is done.

        Raises:
            LeaseLost: it was lost, or could not be confirmed in time.
        """
        reserve = min(RESERVE, self._lease / 4)
        patience = elapsed() + self._lease
        while not job.lost and self.left(job) <= reserve and elapsed() < patience:  # noqa: ASYNC110 - a moment, and seldom
            await asyncio.sleep(POLL)
        if job.lost or self.left(job) <= reserve:
            raise lease_lost(job.attempt.task_id, job.attempt.fence)
        loop = asyncio.get_running_loop()
        scope = asyncio.timeout(None)
        try:
            async with scope:

                async def watch() -> None:
                    while (left := self.left(job)) > 0:  # noqa: ASYNC110 - time passes by itself
                        await asyncio.sleep(min(left, self._lease))
                    scope.reschedule(loop.time())

                watcher = asyncio.create_task(watch(), name="neveridle-fencing")
                try:
                    yield
                finally:
                    watcher.cancel()
                    # Not awaited itself: what ends the block is not to be hidden by its end.
                    await asyncio.wait([watcher])
        except TimeoutError as error:
            if not scope.expired():
                raise
            raise lease_lost(job.attempt.task_id, job.attempt.fence) from error
