"""The breakers of services, shared by all processes on a board and kept over restarts."""

from __future__ import annotations

import secrets
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, insert, select, update

from neveridle.board.breaker import Breaker, BreakerPolicy, BreakerState, Permit
from neveridle.board.clock import BoardClock
from neveridle.board.database import Database
from neveridle.board.schema import board_clock, messages, services
from neveridle.board.sql import NOW, log, wake
from neveridle.board.storable import storable
from neveridle.errors import ServiceUnavailable

LOOK: Final = 0.05
"""Seconds between two looks at a probe that somebody else makes."""
ROUNDS: Final = 3
"""Probes of others that one call waits for."""


class Breakers:
    """``board.breakers``.

    Args:
        database: where they are.
        clock: the board's.
    """

    def __init__(self, database: Database, clock: BoardClock) -> None:
        self._database = database
        self._clock = clock

    async def admit(self, service: str, policy: BreakerPolicy, credentials: str = "") -> Permit:
        """Leave to call a service now; every permit must be given back by one of the others.

        While a probe of somebody else is on its way, this waits for what comes of it.

        Args:
            service: its name.
            policy: its policy.
            credentials: a fingerprint of the credentials that will be used. A service that
                is held because others were rejected is tried once with new ones.

        Raises:
            ServiceUnavailable: its breaker is open, or it is held; ``wait`` says for how long.
        """
        name = secrets.token_hex(8)

        def work(c: Connection) -> Permit | Breaker:
            row, now = _row(c, service), float(c.execute(select(board_clock.c.now)).scalar_one())
            if row is None or row["state"] == BreakerState.CLOSED:
                return Permit(service)
            one = _breaker(row)
            due = one.state is BreakerState.OPEN and (one.retry_at or 0) <= now
            lost = one.state is BreakerState.HALF_OPEN and (one.probe_until or 0) <= now
            renewed = one.state is BreakerState.HELD and credentials not in ("", row["credentials"])
            if not (due or lost or renewed):
                return one
            _set(c, service, state=str(BreakerState.HALF_OPEN), probe_holder=name, usable=False,
                 probe_until=NOW + policy.probe, retry_at=NOW + policy.probe)  # fmt: skip
            log(c, "service.probed", {"service": service})
            return Permit(service, name)

        for _ in range(ROUNDS):
            found = await self._database.write(work)
            if isinstance(found, Permit):
                return found
            if found.state is not BreakerState.HALF_OPEN:
                raise await self._refusal(found)
            until = found.probe_until or 0
            while await self._clock.now() < until:  # bounded: a probe is lost at some time
                await self._clock.sleep(LOOK)
                one = await self.get(service)
                if one.state is not BreakerState.HALF_OPEN or one.probe_until != until:
                    break
        raise await self._refusal(await self.get(service))

    async def _refusal(self, one: Breaker) -> ServiceUnavailable:
        wait = None if one.retry_at is None else max(one.retry_at - await self._clock.now(), 0.0)
        if one.state is BreakerState.HELD:
            msg = f"{one.service} is held: {one.reason}"
            remedy = f"Repair it, then `neveridle services reset {one.service}`."
            return ServiceUnavailable(msg, remedy=remedy, service=one.service, health=False)
        msg = f"{one.service} is not called before its breaker's time: {one.reason}"
        return ServiceUnavailable(msg, service=one.service, wait=wait, health=False)

    async def succeeded(self, permit: Permit) -> None:
        """The call was answered: the service is well, whatever it said."""
        service = permit.service

        def work(c: Connection) -> None:
            row = _row(c, service)
            if row is None:
                return
            if row["state"] == BreakerState.CLOSED:
                if row["failures"]:
                    _set(c, service, failures=0)
            elif permit.probe and permit.probe == row["probe_holder"]:
                _close(c, service, "it answers again")

        await self._database.write(work)

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
            health: whether the service is unwell; one that limits us is well.
        """

        def work(c: Connection) -> None:
            row = _row(c, permit.service)
            if row is None:
                c.execute(insert(services).values(name=permit.service))
                row = _row(c, permit.service)
                assert row is not None
            state = BreakerState(row["state"])
            probed = bool(permit.probe) and permit.probe == row["probe_holder"]
            failures = int(row["failures"]) + (1 if health else 0)
            if state is BreakerState.HELD or (state is BreakerState.HALF_OPEN and not probed):
                return
            if state is BreakerState.OPEN:
                if wait is not None and float(row["retry_at"] or 0) < _now(c) + wait:
                    _set(c, permit.service, retry_at=NOW + wait)
                return
            if not probed and wait is None and failures < policy.threshold:
                _set(c, permit.service, failures=failures)
                return
            seconds = policy.reset if wait is None else wait
            _open(c, permit.service, reason, NOW + seconds, seconds, failures, again=probed)

        await self._database.write(work)

    async def abandoned(self, permit: Permit) -> None:
        """Nobody will say what became of the call; a probe may be made by somebody else."""
        if not permit.probe:
            return

        def work(c: Connection) -> None:
            row = _row(c, permit.service)
            if row is not None and row["probe_holder"] == permit.probe:
                _set(c, permit.service, state=str(BreakerState.OPEN), probe_holder="",
                     probe_until=None, retry_at=NOW)  # fmt: skip

        await self._database.write(work)

    async def hold(self, service: str, reason: str, credentials: str = "") -> None:
        """Let nobody call a service until a person has acted.

        Args:
            service: its name.
            reason: why, for people; without secrets.
            credentials: a fingerprint of those that were rejected.
        """

        def work(c: Connection) -> None:
            row = _row(c, service)
            if row is None:
                c.execute(insert(services).values(name=service))
            elif row["state"] == BreakerState.HELD:
                _set(c, service, credentials=credentials)
                return
            _set(c, service, state=str(BreakerState.HELD), usable=False, retry_at=None,
                 opened_at=NOW, reason=storable(reason), probe_holder="", probe_until=None,
                 credentials=credentials)  # fmt: skip
            log(c, "service.held", {"service": service, "reason": reason})
            _say(c, f"@human {service} is held, and work that needs it waits: {reason} "
                    f"Repair it, then `neveridle services reset {service}`.")  # fmt: skip

        await self._database.write(work)

    async def reset(self, service: str) -> None:
        """Close a breaker by hand."""

        def work(c: Connection) -> None:
            row = _row(c, service)
            if row is not None and (row["state"] != BreakerState.CLOSED or row["failures"]):
                _close(c, service, "a person reset it")

        await self._database.write(work)

    async def get(self, service: str) -> Breaker:
        """How a service's breaker stands."""

        def work(c: Connection) -> Breaker:
            row = _row(c, service)
            return Breaker(service=service) if row is None else _breaker(row)

        return await self._database.read(work)

    async def all(self) -> list[Breaker]:
        """Every breaker that was ever used, by name."""
        query = select(services).order_by(services.c.name)
        return await self._database.read(
            lambda c: [_breaker(row) for row in c.execute(query).mappings()]
        )


def _row(c: Connection, service: str) -> RowMapping | None:
    return c.execute(select(services).where(services.c.name == service)).mappings().first()


def _now(c: Connection) -> float:
    return float(c.execute(select(board_clock.c.now)).scalar_one())


def _set(c: Connection, service: str, **values: Any) -> None:
    version = services.c.version + 1
    c.execute(update(services).where(services.c.name == service).values(version=version, **values))


def _open(
    c: Connection, service: str, reason: str, until: Any, seconds: float, failures: int, *,
    again: bool,
) -> None:  # fmt: skip
    _set(c, service, state=str(BreakerState.OPEN), usable=False, retry_at=until, opened_at=NOW,
         failures=failures, reason=storable(reason), probe_holder="", probe_until=None)  # fmt: skip
    data = {"service": service, "reason": reason, "seconds": seconds, "again": again}
    log(c, "service.opened", data)
    if not again:  # a probe that failed changes nothing for those who read this
        _say(c, f"{service} is not called for {seconds:.0f} s: {reason}")


def _close(c: Connection, service: str, how: str) -> None:
    _set(c, service, state=str(BreakerState.CLOSED), usable=True, retry_at=None, opened_at=None,
         failures=0, reason="", probe_holder="", probe_until=None, credentials="")  # fmt: skip
    log(c, "service.closed", {"service": service, "how": how})
    _say(c, f"{service} can be used again: {how}.")
    wake(c)


def _say(c: Connection, text: str) -> None:
    c.execute(insert(messages).values(channel="dev", author="team", content=storable(text), at=NOW))


def _breaker(row: RowMapping) -> Breaker:
    return Breaker(
        service=row["name"], state=BreakerState(row["state"]), failures=row["failures"],
        opened_at=row["opened_at"], retry_at=row["retry_at"], probe_until=row["probe_until"],
        reason=row["reason"],
    )  # fmt: skip
