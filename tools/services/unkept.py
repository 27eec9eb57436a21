"""Breakers and a clock for a look from outside: nothing is written to any board."""

from __future__ import annotations

import asyncio
import math

from neveridle.board.breaker import BreakerPolicy, Permit
from neveridle.board.breakers import Breakers
from neveridle.board.clock import BoardClock


class UnkeptBreakers(Breakers):
    """Let every call through, and keep nothing of what comes of it."""

    def __init__(self) -> None:  # pyright: ignore[reportMissingSuperCall]  # there is no database
        """There is no board."""
        self.admitted = lambda service, credentials: Permit(service)
        self.unblemished = lambda permit: True

    async def admit(
        self, service: str, policy: BreakerPolicy, credentials: str = "", *,
        patience: float = math.inf,
    ) -> Permit:  # fmt: skip
        """Always."""
        del policy, credentials, patience
        return Permit(service)

    async def succeeded(self, permit: Permit) -> None:
        """Nothing is kept."""

    async def failed(
        self, permit: Permit, policy: BreakerPolicy, reason: str, *, wait: float | None = None,
        health: bool = True,
    ) -> None:  # fmt: skip
        """Nothing is kept."""

    async def abandoned(self, permit: Permit) -> None:
        """Nothing is kept."""

    async def hold(self, service: str, reason: str, credentials: str = "") -> None:
        """Nothing is kept."""


class LoopClock(BoardClock):
    """The event loop's own time."""

    def __init__(self) -> None:  # pyright: ignore[reportMissingSuperCall]  # there is no database
        """There is no board."""
        self._scripted = False

    async def now(self) -> float:
        """Seconds since some moment."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await asyncio.sleep(seconds)
