"""The transactions that change a breaker, each of which survives a power cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from neveridle.board.breaker import (
    NO_CREDENTIALS,
    Breaker,
    BreakerPolicy,
    BreakerState,
    Permit,
    Verdict,
)
from neveridle.board.breaker_store import REJECTED_KEPT, breaker_of
from neveridle.board.schema import board_clock, messages, services
from neveridle.board.sql import NOW, log, wake
from neveridle.board.storable import storable

EXTENSION = 1.0
"""Seconds by which an open breaker's time must grow for an event to be worth while."""


class BreakerChanges:
    """One breaker within one transaction.

    Args:
        connection: the transaction, which keeps all other writers out.
        service: whose breaker.
        number: gives a change its number; see ``BreakerStore.next``.
    """

    def __init__(self, connection: Connection, service: str, number: Callable[[int], int]) -> None:
        self._c = connection
        self._service = service
        self._number = number
        query = select(services).where(services.c.name == service)
        found = connection.execute(query).mappings().first()
        row = None if found is None else {str(key): value for key, value in found.items()}
        self._known = row is not None
        self._holder = "" if row is None else str(row["probe_holder"])
        self._one = Breaker(service=service) if row is None else breaker_of(row)

    def probe(self, name: str, policy: BreakerPolicy, credentials: str) -> Permit | Breaker:
        """Become the probe, where one may be made and nobody else came first.

        Returns:
            The permit; or how the breaker stands, where its state has to be looked at again.
        """
        verdict = self._one.verdict(self._now(), credentials)
        if verdict is Verdict.GO:
            return Permit(self._service)
        if verdict is not Verdict.PROBE:
            return self._one
        self._set(state=str(BreakerState.HALF_OPEN), usable=False, probe_holder=name,
                  probe_until=NOW + policy.probe, retry_at=NOW + policy.probe)  # fmt: skip
        self._log("probed")
        return Permit(self._service, name)

    def succeeded(self, probe: str) -> None:
        """A probe was answered."""
        if self._probes(probe):
            self._close("it answers again", self._one.rejected)

    def failed(self, probe: str, policy: BreakerPolicy, reason: str, wait: float | None) -> None:
        """A call failed; ``wait``: seconds for which the service does not want to be called."""
        one, probes = self._one, self._probes(probe)
        match one.state:
            case BreakerState.HELD:
                return
            case BreakerState.OPEN:
                if wait is not None:
                    self._extend(reason, wait)
                return
            case BreakerState.HALF_OPEN:
                # A call from before says nothing new, unless the service named a time.
                if not probes and wait is None:
                    return
            case BreakerState.CLOSED:
                failures = one.failures + 1
                if wait is None and failures < policy.threshold:
                    self._set(failures=failures)
                    return
        again = one.state is BreakerState.HALF_OPEN
        seconds = policy.reset if wait is None else wait
        self._open(reason, seconds, one.failures + (1 if wait is None else 0), again=again)

    def abandoned(self, probe: str) -> None:
        """Nobody will say what became of a probe; another may be made at once."""
        if self._probes(probe):
            self._set(state=str(BreakerState.OPEN), probe_holder="", probe_until=None,
                      retry_at=NOW)  # fmt: skip
            wake(self._c)

    def hold(self, reason: str, credentials: str) -> None:
        """Let nobody through who has not got other credentials."""
        rejected, credentials = self._one.rejected, credentials or NO_CREDENTIALS
        if credentials in rejected:  # a call from before says nothing new
            return
        kept = (*rejected, credentials)[-REJECTED_KEPT:]
        self._set(state=str(BreakerState.HELD), usable=False, retry_at=None, opened_at=NOW,
                  reason=storable(reason), probe_holder="", probe_until=None,
                  credentials=" ".join(kept))  # fmt: skip
        self._log("held", reason=storable(reason))
        self._say(f"@human {self._service} is held, and work that needs it waits: {reason} "
                  f"Repair it, then `neveridle services reset {self._service}`.")  # fmt: skip

    def reset(self) -> Breaker:
        """Close it by hand; how it stood before."""
        one = self._one
        if one.state is not BreakerState.CLOSED:
            self._close("a person reset it", ())
        elif one.failures or one.rejected:
            self._set(failures=0, credentials="")
        return one

    def _probes(self, probe: str) -> bool:
        return bool(probe) and probe == self._holder

    def _now(self) -> float:
        return float(self._c.execute(select(board_clock.c.now)).scalar_one())

    def _extend(self, reason: str, wait: float) -> None:
        more = self._now() + wait - (self._one.retry_at or 0.0)
        if more <= 0:
            return
        self._set(retry_at=NOW + wait, reason=storable(reason))
        if more >= EXTENSION:  # many calls that were on their way may say nearly the same
            self._log("opened", reason=storable(reason), seconds=wait, again=True)

    def _open(self, reason: str, seconds: float, failures: int, *, again: bool) -> None:
        self._set(state=str(BreakerState.OPEN), usable=False, retry_at=NOW + seconds,
                  opened_at=NOW, failures=failures, reason=storable(reason), probe_holder="",
                  probe_until=None)  # fmt: skip
        self._log("opened", reason=storable(reason), seconds=seconds, again=again)
        if not again:  # a probe that failed changes nothing for those who read this
            self._say(f"{self._service} is not called for {seconds:.0f} s: {reason}")

    def _close(self, how: str, rejected: tuple[str, ...]) -> None:
        self._set(state=str(BreakerState.CLOSED), usable=True, retry_at=None, opened_at=None,
                  failures=0, reason="", probe_holder="", probe_until=None,
                  credentials=" ".join(rejected))  # fmt: skip
        self._log("closed", how=how)
        self._say(f"{self._service} can be used again: {how}.")
        wake(self._c)

    def _set(self, **values: Any) -> None:
        if not self._known:
            self._c.execute(insert(services).values(name=self._service))
            self._known = True
        highest = self._c.execute(select(func.max(services.c.version))).scalar_one()
        change = update(services).where(services.c.name == self._service)
        self._c.execute(change.values(version=self._number(int(highest)), **values))

    def _log(self, what: str, **data: Any) -> None:
        log(self._c, f"service.{what}", {"service": self._service, **data})

    def _say(self, text: str) -> None:
        said = {"channel": "dev", "author": "team", "content": storable(text), "at": NOW}
        self._c.execute(insert(messages).values(**said))
