"""The breakers of services, shared by all processes on a board and kept over restarts."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from neveridle.board.breaker import Breaker, BreakerPolicy, BreakerState, Permit, Verdict
from neveridle.board.breaker_view import BreakerView, refusal
from neveridle.board.breaker_vigil import Vigil
from neveridle.board.clock import BoardClock
from neveridle.board.database import Database
from neveridle.errors import NotFound

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from neveridle.board.breaker_changes import BreakerChanges

T = TypeVar("T")

ROUNDS: Final = 5
"""Probes of others that one call waits for."""
LONGEST: Final = 24 * 3600.0
"""Seconds for which a service may be closed at once; more is somebody's mistake."""


class Breakers:
    """``board.breakers``.

    What processes tell each other in shared memory spares the database nearly all questions
    on SQLite; see ``docs/design/resilience.md``.

    Args:
        database: where they are.
        clock: the board's.
    """

    def __init__(self, database: Database, clock: BoardClock) -> None:
        self._database = database
        self._store = database.breakers
        self._view = BreakerView(database.breakers, clock)
        self._vigil = Vigil(self._view)
        self._clearing = asyncio.Lock()
        self.admitted: Callable[[str, str], Permit | None] = self._view.admitted
        """``admitted(service, credentials)``: leave to call a service as far as this process
        knows; None: ``admit`` has to be asked. Costs no question to the database. Raises
        ``ServiceUnavailable`` where it is known that it must not be called."""
        self.unblemished: Callable[[Permit], bool] = self._view.unblemished
        """``unblemished(permit)``: whether ``succeeded`` would change nothing."""

    async def admit(
        self,
        service: str,
        policy: BreakerPolicy,
        credentials: str = "",
        *,
        patience: float = math.inf,
    ) -> Permit:
        """Leave to call a service now; every permit must be given back by one of the others.

        While a probe of somebody else is on its way, this waits for what comes of it.

        Args:
            service: its name.
            policy: its policy.
            credentials: a fingerprint of the credentials that will be used. A service that
                is held because others were rejected is tried once with new ones.
            patience: seconds for which to wait for others' probes at most.

        Raises:
            ServiceUnavailable: its breaker is open, or it is held; ``wait`` says for how long.
        """
        deadline: float | None = None
        for round_ in range(ROUNDS):
            permit = self.admitted(service, credentials)
            if permit is not None:
                return permit
            seen = await self._view.fresh()
            one = seen.rows.get(service)
            if one is None:
                return Permit(service)
            match one.verdict(seen.now, credentials):
                case Verdict.GO:
                    return Permit(service)
                case Verdict.REFUSED:
                    raise refusal(one, seen.now, credentials)
                case Verdict.PROBE:
                    got = await self._probe(service, policy, credentials)
                    if got is not None:
                        return got
                case Verdict.WAIT:
                    deadline = seen.now + patience if deadline is None else deadline
                    last = round_ == ROUNDS - 1
                    if last or not await self._vigil.over(one, deadline):
                        break
        seen = await self._view.fresh()
        raise refusal(seen.rows.get(service, Breaker(service=service)), seen.now, credentials)

    async def _probe(self, service: str, policy: BreakerPolicy, credentials: str) -> Permit | None:
        """Become the probe; None: the breaker stands otherwise by now."""
        name = os.urandom(8).hex()
        try:
            found = await self._change(service, lambda c: c.probe(name, policy, credentials))
        except BaseException:  # cancelled: it may be ours by now, and nobody would end it
            await self.abandoned(Permit(service, name))
            raise
        return found if isinstance(found, Permit) else None

    async def succeeded(self, permit: Permit) -> None:
        """The call was answered: the service is well, whatever it said."""
        if permit.probe:
            await self._change(permit.service, lambda c: c.succeeded(permit.probe))
        elif not self.unblemished(permit):
            async with self._clearing:  # of many that succeed together, one writes
                one = (await self._view.current()).rows.get(permit.service)
                if one is not None and one.failures and one.state is BreakerState.CLOSED:
                    await self._store.clear(permit.service)

    async def failed(
        self,
        permit: Permit,
        policy: BreakerPolicy,
        reason: str,
        *,
        wait: float | None = None,
        health: bool = True,
    ) -> None:
        """The call failed.

        Args:
            permit: its permit.
            policy: the service's policy.
            reason: why, for people; without secrets.
            wait: seconds for which the service does not want to be called: it opens at once.
            health: whether the service is unwell; one that limits us is well. What is
                neither unwell nor says for how long was answered.
        """
        if wait is not None:
            wait = min(max(wait, 0.0), LONGEST) if math.isfinite(wait) else policy.reset
        elif not health:
            await self.succeeded(permit)
            return
        elif not permit.probe:
            one = (await self._view.current()).rows.get(permit.service)
            if one is not None and one.state is not BreakerState.CLOSED:
                return  # a call from before says nothing new
            if await self._store.count(permit.service, policy.threshold):
                return
        await self._change(permit.service, lambda c: c.failed(permit.probe, policy, reason, wait))

    async def abandoned(self, permit: Permit) -> None:
        """Nobody will say what became of the call; a probe may be made by somebody else."""
        if permit.probe:
            await self._change(permit.service, lambda c: c.abandoned(permit.probe))

    async def hold(self, service: str, reason: str, credentials: str = "") -> None:
        """Let nobody call a service until a person has acted.

        Args:
            service: its name.
            reason: why, for people; without secrets.
            credentials: a fingerprint of those that were rejected. With others it is tried
                again; with these not before it is reset.
        """
        await self._change(service, lambda c: c.hold(reason, credentials))

    async def reset(self, service: str, known: frozenset[str] = frozenset()) -> Breaker:
        """Close a breaker by hand; how it stood before.

        Args:
            service: its name.
            known: names of services that need not have been used yet.

        Raises:
            NotFound: there is no such service.
        """
        names = {one.service for one in await self.all()} | known
        if service not in names:
            there = f"These are known: {', '.join(sorted(names))}." if names else "None is known."
            msg = f"There is no service '{service}'."
            raise NotFound(msg, remedy=there)
        return await self._change(service, lambda c: c.reset())

    async def get(self, service: str) -> Breaker:
        """How a service's breaker stands."""
        return (await self._view.current()).rows.get(service, Breaker(service=service))

    async def all(self) -> list[Breaker]:
        """Every breaker that was ever used, by name."""
        rows = (await self._view.current()).rows
        return [rows[name] for name in sorted(rows)]

    async def waiting(self) -> dict[str, int]:
        """By service, how many tasks that are pending or waiting need it."""
        return await self._store.waiting()

    async def _change(self, service: str, what: Callable[[BreakerChanges], T]) -> T:
        from neveridle.board.breaker_changes import BreakerChanges

        def work(c: Connection) -> T:
            return what(BreakerChanges(c, service, self._store.next))

        try:
            return await self._database.write(work)
        finally:
            self._vigil.nudge()
