"""What one process knows of the breakers, and how it asks when it does not."""

from __future__ import annotations

import asyncio
from typing import Final

from neveridle.board.breaker import NO_CREDENTIALS, Breaker, BreakerState, Permit, Verdict
from neveridle.board.breaker_store import BreakerStore, Snapshot
from neveridle.board.clock import BoardClock
from neveridle.board.elapsed import elapsed
from neveridle.errors import ServiceUnavailable

NONE: Final[Snapshot] = Snapshot(None, {}, 0.0, 0.0, True)
UNKNOWN: Final = -1
"""A number that no snapshot has, and no store shows."""


class BreakerView:
    """The newest snapshot, for as long as nothing has changed.

    Args:
        store: where the breakers are.
        clock: the board's.
    """

    def __init__(self, store: BreakerStore, clock: BoardClock) -> None:
        self._store = store
        self._stamp = store.stamp
        self._clock = clock
        self._number = UNKNOWN
        self._kept = NONE
        self._special: dict[str, Breaker] = {}  # all others are closed without a blemish
        # Of those that are open: until when, as this host counts time, and what is said.
        self._until: dict[str, float] = {}
        self._said: dict[str, str] = {}
        self._permits: dict[str, Permit] = {}
        self._reading: asyncio.Task[Snapshot] | None = None
        self._next: asyncio.Task[Snapshot] | None = None

    def admitted(self, service: str, credentials: str) -> Permit | None:
        """Leave to call a service, as far as it is known; None: the board has to be asked.

        Raises:
            ServiceUnavailable: it is known that it must not be called.
        """
        if self._number != self._stamp():
            return None
        one = self._special.get(service)
        if one is not None:
            until = self._until.get(service)
            if until is not None and not self._clock.scripted:  # the quick way for most
                wait = until - elapsed()
                if wait <= 0:
                    return None
                raise ServiceUnavailable(
                    self._said[service], service=service, wait=wait, health=False
                )
            if not self._passes(one, credentials):
                return None
        permit = self._permits.get(service)
        if permit is None:
            permit = self._permits[service] = Permit(service)
        return permit

    def _passes(self, one: Breaker, credentials: str) -> bool:
        """Whether it is known that an ordinary call may be made; see ``admitted``."""
        kept = self._kept
        timed = one.state in (BreakerState.OPEN, BreakerState.HALF_OPEN)
        if timed and (kept.scripted or self._clock.scripted):
            return False  # time that is moved by hand is on the board only
        now = kept.now + (elapsed() - kept.at)  # time that passes, passes here, too
        verdict = one.verdict(now, credentials)
        if verdict is Verdict.REFUSED:
            raise refusal(one, now, credentials)
        return verdict is Verdict.GO

    def unblemished(self, permit: Permit) -> bool:
        """Whether it is known that the success of this call changes nothing."""
        if permit.probe or self._number != self._stamp():
            return False
        one = self._special.get(permit.service)
        return one is None or one.state is not BreakerState.CLOSED or not one.failures

    async def seen(self, service: str) -> tuple[Breaker | None, float]:
        """How one breaker stands now, and the board's time, asked of the board if need be."""
        kept = await self.current()
        if kept.scripted or self._clock.scripted:
            kept = await self.fresh()
        return kept.rows.get(service), kept.now + (0.0 if kept.scripted else elapsed() - kept.at)

    async def current(self) -> Snapshot:
        """How all breakers stand now; the board is asked where that is not known."""
        return self._kept if self._number == self._stamp() else await self.fresh()

    async def fresh(self) -> Snapshot:
        """How all breakers stand, by a look that begins after this is called.

        Those who ask while a look is under way share the next one.
        """
        if self._next is None or self._next.done():
            self._next = asyncio.get_running_loop().create_task(
                self._look(self._reading), name="neveridle-breakers"
            )
            self._next.add_done_callback(_heard)
        return await asyncio.shield(self._next)

    async def _look(self, before: asyncio.Task[Snapshot] | None) -> Snapshot:
        if before is not None and not before.done():
            await asyncio.wait([before])
        self._reading, self._next = self._next, None
        found = await self._store.read()
        if found.number is not None:
            self._keep(found)
        return found

    def _keep(self, found: Snapshot) -> None:
        self._kept = found
        self._special = {
            name: one
            for name, one in found.rows.items()
            if one.state is not BreakerState.CLOSED or one.failures or one.rejected
        }
        shut = [
            one
            for one in found.rows.values()
            if one.state is BreakerState.OPEN and not found.scripted
        ]
        self._until = {one.service: found.at + (one.retry_at or 0.0) - found.now for one in shut}
        self._said = {one.service: _closed_until(one) for one in shut}
        assert found.number is not None
        self._number = found.number


def refusal(one: Breaker, now: float, credentials: str) -> ServiceUnavailable:
    """The error for a call that a breaker does not let through."""
    name = one.service
    if one.state is BreakerState.HELD or (credentials or NO_CREDENTIALS) in one.rejected:
        ours = "it rejected the credentials of this process, and takes others."
        why = one.reason if one.state is BreakerState.HELD else ours
        remedy = f"Repair it, then `neveridle services reset {name}`."
        return ServiceUnavailable(
            f"{name} is held: {why}", remedy=remedy, service=name, health=False
        )
    wait = None if one.retry_at is None else max(one.retry_at - now, 0.0)
    return ServiceUnavailable(_closed_until(one), service=name, wait=wait, health=False)


def _closed_until(one: Breaker) -> str:
    return f"{one.service} is not called before its breaker's time: {one.reason}"


def _heard(task: asyncio.Task[Snapshot]) -> None:
    """Whoever waits gets the error; where nobody does any more, nobody misses it."""
    if not task.cancelled():
        task.exception()
