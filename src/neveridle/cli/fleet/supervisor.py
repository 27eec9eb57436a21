"""The supervisor of a fleet: starts its processes, restarts them, and ends them in order."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from neveridle.board import Board
from neveridle.cli.fleet.gathered import Gathered
from neveridle.cli.fleet.place import Place
from neveridle.cli.fleet.restarts import Policy, Restarts, Verdict
from neveridle.cli.fleet.sharing import deal, share
from neveridle.cli.fleet.worker import DRAIN
from neveridle.cli.running import How
from neveridle.errors import NeveridleError
from neveridle.settings import Settings

log = logging.getLogger(__name__)

MARGIN = 5.0
"""Seconds a process has, beyond what it was given to end in, before it is killed."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something to tell the operator while the fleet runs."""

    text: str
    problem: bool = False


class Supervisor:
    """Runs a team in several processes.

    The decisions are in ``restarts``; here is what they are made from and carried out with.
    It reads the board only to follow the log, and writes to it only to say that a process
    it has seen die is dead: what it held is then taken over without waiting for its lease.

    Args:
        settings: the team's.
        how: what is run.
        board: open.
        tell: told what an operator should see at once.
        policy: how patiently processes are started again.
        began: when the fleet began, by the board's clock: a process that is started again
            is concerned by what was drained since; None: when it is started.

    Attributes:
        places: one for each process.
        gathered: what came of it so far.
        signal: the first signal that asked it to end.
    """

    def __init__(
        self,
        settings: Settings,
        how: How,
        *,
        board: Board,
        tell: Callable[[Said], None],
        policy: Policy | None = None,
        began: float | None = None,
    ) -> None:
        self._how = how
        self._board = board
        self._tell = tell
        self._leaving = asyncio.Event()
        self._hurried = False
        self._killer: asyncio.Task[None] | None = None
        self._reason = ""
        self.gathered = Gathered()
        self.signal: int | None = None
        known = {"settings": settings.model_dump(mode="json"), "root": str(settings.root)}
        hands = deal(how.agents, how.processes)
        self.places = [
            Place(
                number=number,
                agents=agents,
                restarts=Restarts(policy or Policy()),
                asked={**known, "grace": how.grace, "how": {
                    "until": "forever", "ticks": ticks, "timeout": how.timeout, "agents": agents,
                    "began": began,
                }},
            )
            for number, (agents, ticks) in enumerate(
                zip(hands, share(how.ticks, how.processes), strict=True), start=1
            )
            if ticks != 0
        ]  # fmt: skip

    async def run(self) -> int:
        """Run until all processes are over; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal, number)
        try:
            async with asyncio.TaskGroup() as group:
                for place in self.places:
                    group.create_task(self._keep(place), name=f"neveridle-{place.number}")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
            if self._killer is not None:
                self._killer.cancel()
        report = self.gathered.report
        report.reason = self._reason or self._last_reason()
        return self._code()

    def _last_reason(self) -> str:
        if all(place.verdict is Verdict.GIVE_UP for place in self.places):
            return "gave up"
        return self.gathered.reason

    def _code(self) -> int:
        if self.signal is not None:
            return 128 + self.signal
        for place in self.places:
            if place.verdict is Verdict.MISCONFIGURED:
                return place.code or 2
        return 1 if any(place.verdict is Verdict.GIVE_UP for place in self.places) else 0

    async def _keep(self, place: Place) -> None:
        """Keep a process in a place, until it is over or given up."""
        while not self._leaving.is_set():
            begun = time.monotonic()
            code = place.code = await place.live(self._hear)
            if not place.ended:
                await self._bury(place)
            if self._leaving.is_set():
                place.verdict = Verdict.OVER
                break
            decision = place.restarts.ended(
                code=code, lived=time.monotonic() - begun, in_order=place.ended,
                chance=random.random(),
            )  # fmt: skip
            if decision.verdict is not Verdict.AGAIN:
                place.verdict = decision.verdict
                self._say_end(place)
                break
            self._tell(Said(
                f"{place.name} died ({how_it_ended(code)}); it is started again "
                f"in {decision.pause:.1f} s", problem=True,
            ))  # fmt: skip
            try:
                async with asyncio.timeout(decision.pause):
                    await self._leaving.wait()
            except TimeoutError:
                continue
        self._consider()

    def _say_end(self, place: Place) -> None:
        if place.verdict is Verdict.GIVE_UP:
            policy = place.restarts.policy
            self._tell(Said(
                f"{place.name} died {place.restarts.deaths} times, each within "
                f"{policy.stable:.0f} s, at last by {how_it_ended(place.code or 0)}: it is not "
                "started again. What it printed says why; its tasks are on the board.",
                problem=True,
            ))  # fmt: skip
        elif place.verdict is Verdict.MISCONFIGURED:
            self._leave("stopped", lambda one: one.send(signal.SIGTERM), self._how.grace)

    async def _bury(self, place: Place) -> None:
        """Say on the board that a process is dead, so that nobody waits for its leases."""
        if not place.runs:
            return
        try:
            await self._board.runs.bury(place.runs)
        except NeveridleError as error:  # then its leases end by themselves
            log.warning("the end of %s could not be noted: %s", place.name, error)

    def _hear(self, place: Place, message: dict[str, Any]) -> None:
        known = len(self.gathered.report.notices)
        self.gathered.hear(place, message)
        for notice in self.gathered.report.notices[known:]:
            self._tell(Said(f"note: {notice}"))
        if message["say"] == "idle":
            self._consider()

    def _consider(self) -> None:
        """End it all when nothing is left to do anywhere.

        Each process has looked at one and the same version of the board, at which all its
        agents rested and nothing was at work. Nothing became runnable since, so nobody can
        have begun anything either.
        """
        if self._how.until != "idle" or self._leaving.is_set():
            return
        living = [place for place in self.places if place.verdict is None]
        versions = {place.idle for place in living}
        if living and len(versions) == 1 and None not in versions:
            self._leave("idle", lambda place: place.tell(DRAIN), self._how.grace)

    def _on_signal(self, number: int) -> None:
        first, self.signal = self.signal is None, self.signal or number
        if first and number == signal.SIGTERM:
            self._leave("drained", lambda place: place.send(signal.SIGTERM), self._how.grace)
        elif not self._hurried:
            self._hurried = True
            self._leave("interrupted", lambda place: place.send(signal.SIGINT), 0.0)
        else:
            for place in self.places:
                place.send(signal.SIGKILL)
            os._exit(128 + number)

    def _leave(self, reason: str, ask: Callable[[Place], None], grace: float) -> None:
        """Ask all processes to end, and kill those that have not when their time is up."""
        self._reason = reason
        self._leaving.set()
        for place in self.places:
            ask(place)
        if self._killer is not None:
            self._killer.cancel()
        self._killer = asyncio.create_task(self._kill(grace + MARGIN), name="neveridle-killer")

    async def _kill(self, after: float) -> None:
        await asyncio.sleep(after)
        for place in self.places:
            if place.process is not None:
                self._tell(Said(f"{place.name} did not end, and is killed", problem=True))
                place.send(signal.SIGKILL)


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
