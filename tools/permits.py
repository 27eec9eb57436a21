"""Waiting for one's turn where only so many calls may be on their way at once."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from neveridle.errors import ServiceUnreached

if TYPE_CHECKING:
    from neveridle.board.clock import BoardClock
    from neveridle.board.permits import Permits

FIRST: Final = 0.02
"""Seconds after which who found no room asks again; each time half as long again."""
LONGEST: Final = 0.25
"""Seconds between two questions at most; well below the time for which a place is kept."""


class Lane:
    """Calls of one service or model, of which only so many may be on their way.

    Belongs to one event loop. Of those who wait in a process one asks at a time, and all
    processes stand in one line; see ``neveridle.board.permits``.

    Args:
        permits: the board's.
        clock: the board's, by which waits are made.
        names: what is called, and how many calls of it there may be; at least one.
        seconds: how long a call takes at most; then its permit ends, for its holder may be
            dead. A call that takes longer may be one too many.
        patience: seconds one waits at most.
        chance: random numbers from 0 to 1.
    """

    def __init__(
        self,
        permits: Permits,
        clock: BoardClock,
        names: Mapping[str, int],
        *,
        seconds: float,
        patience: float = 60.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._permits = permits
        self._clock = clock
        self._names = sorted(names.items())
        self._seconds = seconds
        self._patience = patience
        self._chance = chance
        self._turn = asyncio.Lock()
        self._run = f"{os.getpid()}-{os.urandom(6).hex()}"

    @asynccontextmanager
    async def holding(self, patience: float | None = None) -> AsyncGenerator[None]:
        """Have the permits for one call inside the block.

        Args:
            patience: seconds to wait at most; None: as the lane says.

        Raises:
            ServiceUnreached: there was no room for so long; nothing was called.
        """
        permit = None
        if not self._turn.locked():
            permit = await self._permits.take(self._names, self._run, self._seconds)
        if permit is None:
            permit = await self._waited(self._patience if patience is None else patience)
        try:
            yield
        finally:
            await self._permits.give_back(permit)

    async def _waited(self, patience: float) -> int:
        got: list[int] = []
        try:
            async with self._clock.timeout(patience), self._turn:
                got.append(await self._asked())
            return got[0]
        except BaseException as late:  # what was given with it would be nobody's; raised on
            for permit in got:
                await self._permits.give_back(permit)
            if not isinstance(late, TimeoutError):
                raise
            names = ", ".join(f"{name} ({cap})" for name, cap in self._names)
            msg = f"{names}: as many calls as may be were on their way for {patience:g} s."
            remedy = "It is tried again; more may be at once with a higher budgets.concurrency."
            raise ServiceUnreached(
                msg, remedy=remedy, service=self._names[0][0], health=False
            ) from late

    async def _asked(self) -> int:
        """Ask again and again; who calls sees to it that this ends."""
        pause = FIRST
        while True:
            freed = self._permits.freed  # looked at first: what is given back meanwhile counts
            permit = await self._permits.take(self._names, self._run, self._seconds, waits=True)
            if permit is not None:
                return permit
            await self._clock.until(freed, pause * (0.5 + 0.5 * self._chance()))
            pause = min(pause * 1.5, LONGEST)


def lane_for(
    permits: Permits | None,
    clock: BoardClock,
    caps: Mapping[str, int],
    names: Iterable[str],
    *,
    seconds: float,
    patience: float = 60.0,
) -> Lane | None:
    """The lane of calls that go by these names; None: nobody capped any of them.

    Args:
        permits: the board's; None: there is no board.
        clock: the board's.
        caps: as ``budgets.concurrency`` says.
        names: what a call is a call of, such as ``openai`` and ``openai:gpt-5``.
        seconds: how long a call takes at most.
        patience: seconds one waits at most.
    """
    capped = {name: caps[name] for name in names if name in caps}
    if permits is None or not capped:
        return None
    return Lane(permits, clock, capped, seconds=seconds, patience=patience)
