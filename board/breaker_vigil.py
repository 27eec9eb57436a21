"""Waiting for what comes of somebody else's probe, with one look for all of a process."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from neveridle.board.breaker import Breaker, BreakerState
from neveridle.board.breaker_view import BreakerView

LOOK: Final = 0.05
"""Real seconds between two looks: another process may have made the probe."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    """One call that waits.

    Attributes:
        until: by which the probe it waits for is known.
        deadline: the board's time from which on it does not wait any longer.
        over: whether that probe is over; False: the deadline came first.
    """

    until: float | None
    deadline: float
    over: asyncio.Future[bool]


class Vigil:
    """Waits for probes. However many calls wait, each service is looked at once.

    Args:
        view: what the process knows.
    """

    def __init__(self, view: BreakerView) -> None:
        self._view = view
        self._waiting: dict[str, set[_Waiter]] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._nudged = asyncio.Event()

    async def over(self, one: Breaker, deadline: float) -> bool:
        """Wait until the probe that is on its way has ended, or counts as lost.

        Args:
            one: the breaker, half-open.
            deadline: the board's time until which to wait at most.

        Returns:
            Whether it has; False: the deadline came first.
        """
        loop = asyncio.get_running_loop()
        waiter = _Waiter(one.probe_until, deadline, loop.create_future())
        waiting = self._waiting.setdefault(one.service, set())
        waiting.add(waiter)
        watch = self._watches.get(one.service)
        if watch is None or watch.done():
            watch = loop.create_task(self._watch(one.service), name="neveridle-vigil")
            self._watches[one.service] = watch
        try:
            return await waiter.over
        finally:
            waiting.discard(waiter)

    def nudge(self) -> None:
        """Let everybody look at once: this process has changed a breaker."""
        nudged, self._nudged = self._nudged, asyncio.Event()
        nudged.set()

    async def _watch(self, service: str) -> None:
        waiting = self._waiting[service]
        try:
            while waiting:  # each leaves at the probe's end, which comes by its time
                nudged = self._nudged
                one, now = await self._view.seen(service)
                for waiter in [waiter for waiter in waiting if not waiter.over.done()]:
                    over = (
                        one is None
                        or one.state is not BreakerState.HALF_OPEN
                        or one.probe_until != waiter.until
                        or now >= (one.probe_until or 0.0)
                    )
                    if over or now >= waiter.deadline:
                        waiter.over.set_result(over)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await nudged.wait()
        except Exception as error:  # noqa: BLE001 - each of those who wait raises it
            for waiter in waiting:
                if not waiter.over.done():
                    waiter.over.set_exception(error)
        finally:
            for waiter in waiting:
                waiter.over.cancel()
