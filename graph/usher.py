"""The usher: of the agents who rest, it wakes those for whom there is something."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from neveridle.agents.roster import Roster
from neveridle.board import Board, Source
from neveridle.errors import NeveridleError
from neveridle.graph.allowances import Allowances
from neveridle.graph.orders import Orders
from neveridle.graph.providers import Providers
from neveridle.graph.wakeups import Wakeups

if TYPE_CHECKING:
    from neveridle.board.runnable import Runnable

log = logging.getLogger(__name__)

LISTED = 200
"""Runnable tasks of each rung that are looked at; where there are more, everybody is woken."""
AGAIN = 1.0
"""Real seconds until the board is asked again after it could not be."""


class Usher:
    """Lets the agents of a process rest, and wakes them when the board has work for them.

    When something becomes runnable, waking everybody would make a hundred agents run a
    whole tick for one task. So the process asks once what is runnable, and wakes one agent
    for each task, in the order in which tasks are claimed, those first who have rested
    longest. Whoever was woken may still take another task than the one he was woken for:
    after each claim, and each tick that found nothing, it is looked again for the others.

    Args:
        board: the board.
        wakeups: says when something became runnable.
        roster: who can do what.
        providers: whose models cannot be called just now; None: everybody's can.
        orders: who takes nothing because a person said so; None: nobody.
        allowances: who may not be given work for want of a budget; None: everybody may.

    Attributes:
        woken: how many were woken so far.
    """

    def __init__(
        self,
        board: Board,
        wakeups: Wakeups,
        roster: Roster,
        providers: Providers | None = None,
        orders: Orders | None = None,
        allowances: Allowances | None = None,
    ) -> None:
        self._orders = orders
        self._providers = providers
        self._allowances = allowances
        self._board = board
        self._wakeups = wakeups
        self._roster = roster
        self._seen: dict[str, int] = {}
        self._doors: dict[str, asyncio.Future[None]] = {}
        self._promised: dict[str, int] = {}
        self._again = asyncio.Event()
        self.woken = 0

    @property
    def resting(self) -> Mapping[str, int]:
        """Who rests, and up to which version of the board there was nothing for them."""
        return self._seen

    async def rest(self, name: str, seen: int) -> None:
        """Until there may be something for an agent, or everybody is woken.

        Args:
            name: the agent.
            seen: the version of the board at which it found nothing.
        """
        door = asyncio.get_running_loop().create_future()
        self._seen[name], self._doors[name] = seen, door
        self.arrived(name)
        try:
            await door
        finally:
            if self._doors.get(name) is door:
                del self._seen[name], self._doors[name]

    def arrived(self, name: str) -> None:
        """An agent that was woken took a task, or none: what it was woken for may be left."""
        self._promised.pop(name, None)
        self._again.set()

    def wake_all(self) -> None:
        """Wake everybody."""
        for name in list(self._doors):
            self._wake(name)

    def _wake(self, name: str) -> None:
        door = self._doors.pop(name)
        del self._seen[name]  # at once, not when its task runs: it must not be woken twice
        if not door.done():
            door.set_result(None)
            self.woken += 1

    async def serve(self) -> None:
        """Wake whom there is something for, until cancelled."""
        changed: asyncio.Task[int] | None = None
        try:
            while True:
                self._again.clear()
                version = self._wakeups.seen
                try:
                    await self.look(version)
                except NeveridleError as error:
                    log.warning("the board could not be asked what is runnable: %s", error)
                    await asyncio.sleep(AGAIN)
                    self._again.set()
                if changed is None or changed.done():
                    changed = asyncio.create_task(
                        self._wakeups.wait(version), name="neveridle-changed"
                    )
                again = asyncio.create_task(self._again.wait(), name="neveridle-again")
                try:
                    await asyncio.wait({changed, again}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    again.cancel()
        finally:
            if changed is not None:
                changed.cancel()

    async def look(self, version: int) -> None:
        """Wake one agent for each runnable task, among those who have not seen a version.

        Args:
            version: the board's, read before this is called.

        Raises:
            BoardUnusable: the board cannot be asked.
        """
        if self._providers is not None and self._providers.any_away:
            await self._providers.look()
        if self._orders is not None:
            await self._orders.look(version)
            for name in [one for one in self._seen if self._orders.draining(one)]:
                self._wake(name)  # to leave
        if self._allowances is not None and self._allowances.any_away:
            await self._allowances.look()
        if not self._late(version):
            return
        tasks, whole = await self._board.runnable(limit=LISTED)
        late = self._late(version)
        promised = set(self._promised.values())
        if self._allowances is not None and self._allowances.improvement_closed:
            tasks = [task for task in tasks if task.source != Source.IMPROVEMENT]
        left = [task for task in tasks if task.id not in promised]
        for name, task in choose(left, late).items():
            self._promised[name] = task
            self._wake(name)
        for name, skills in self._late(version).items():
            if not whole:
                self._wake(name)
            elif not any(task.suits(name, skills) for task in tasks):
                self._seen[name] = version
            # Else it is still to be asked for: what suits it was promised to somebody else.

    def _late(self, version: int) -> dict[str, tuple[str, ...]]:
        """The skills of those who have not seen a version; who is paused or away need not."""
        found: dict[str, tuple[str, ...]] = {}
        for name, seen in self._seen.items():
            if seen < version:
                agent = self._roster.get(name)
                away = self._providers is not None and self._providers.away(name)
                kept = self._orders is not None and not self._orders.takes(name)
                away |= self._allowances is not None and self._allowances.away(name)
                if agent.paused or away or kept:  # when that is over, the version rises
                    self._seen[name] = version
                else:
                    found[name] = agent.skills
        return found


def choose(tasks: list[Runnable], agents: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """One agent for each task that somebody can do, as long as there are agents.

    Args:
        tasks: what is runnable, in the order in which it is claimed.
        agents: who is free, with what skills; the first comes first.

    Returns:
        The id of a task by agent.
    """
    free = dict(agents)
    chosen: dict[str, int] = {}
    for task in tasks:
        if not free:
            break
        name = next((name for name, skills in free.items() if task.suits(name, skills)), None)
        if name is not None:
            del free[name]
            chosen[name] = task.id
    return chosen
