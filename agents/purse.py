"""The purse: every call of a model is paid from it, and none is made that it cannot pay."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from math import ceil
from typing import TYPE_CHECKING, Any, Final, TypeVar

from neveridle.agents.account import Account
from neveridle.agents.caps import Caps
from neveridle.board import Attempt, Board, Task
from neveridle.board.budget import Standing
from neveridle.tools.models.prices import Prices, Usage
from neveridle.tools.permits import Lane, lane_for

if TYPE_CHECKING:
    from neveridle.settings import Settings
    from neveridle.tools.models import Models

T = TypeVar("T")

MARGIN: Final = 1.5
"""What a provider may count for each token that we estimate."""
AROUND: Final = 64
"""Tokens a provider adds to a request of its own."""
LINKS: Final = 1000
SLACK: Final = 60.0
"""Seconds beyond those in which every call has ended, until it counts as lost."""


class Purse:
    """``team.purse``: reserves the worst case of a call, makes it, and books what it cost.

    Args:
        board: where it is counted, for all processes.
        settings: budgets, prices, and how long a call may take.
        models: whose calls these are.
        chance: random numbers from 0 to 1.

    Attributes:
        caps: the budgets there are.
        prices: what models cost.
        freed: set when a call of this process was booked; then another takes its place.
    """

    def __init__(
        self,
        board: Board,
        settings: Settings,
        models: Models,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.caps = Caps(settings)
        self.prices = Prices(settings.prices)
        self.board = board
        self.models = models
        self.output_tokens = settings.model.max_output_tokens or settings.budgets.output_tokens
        self.seconds = settings.idle_timeout + SLACK
        self.chance = chance
        self._concurrency = settings.budgets.concurrency
        self._lanes: dict[str, Lane | None] = {}
        self._ending: set[asyncio.Task[Any]] = set()
        self.freed = asyncio.Event()

    def account(self, task: Task, attempt: Attempt) -> Account:
        """Whom the calls of an attempt are booked to; one for each attempt."""
        return Account(self, task, attempt)

    async def first(self, task: Task) -> Task:
        """The task at the start of a chain of handoffs, as it is now."""
        for _ in range(LINKS):  # each link is older; this only bounds a broken chain
            if task.continues is None:
                break
            task = await self.board.tasks.get(task.continues)
        return task

    async def spent_on(self, task: Task) -> Standing | None:
        """What a task has cost so far, with all it was handed over to; None: nothing yet."""
        scope = self.caps.task(await self.first(task)).scope
        found = await self.board.budgets.standing([(scope, "")])
        return found[0] if found else None

    def worst_input(self, estimated: int) -> int:
        """The most tokens that a provider may count for what we estimate.

        Where a provider counts more all the same, the board holds more for its model.
        """
        return ceil(estimated * MARGIN) + AROUND

    @asynccontextmanager
    async def turn(self, model: str) -> AsyncGenerator[None]:
        """Have a call's turn inside the block, where only so many may be on their way.

        Args:
            model: as in ``openai:gpt-5``; its provider's cap holds, too.

        Raises:
            ServiceUnreached: there was no room for too long.
        """
        if model not in self._lanes:
            self._lanes[model] = lane_for(
                self.board.permits,
                self.board.clock,
                self._concurrency,
                [model.partition(":")[0], model],
                seconds=self.seconds,
            )
        lane = self._lanes[model]
        if lane is None:
            yield
            return
        async with lane.holding():
            yield

    async def surely(
        self,
        work: Coroutine[Any, Any, T],
        undo: Callable[[T], Coroutine[Any, Any, None]] | None = None,
    ) -> T:
        """``work`` to its end, also where who waits for it is cancelled meanwhile.

        Args:
            work: what is to be done.
            undo: what is done with a result that nobody gets any more.
        """
        job = asyncio.create_task(work, name="neveridle-purse")
        self._keep(job)
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            rest = asyncio.create_task(_unwanted(job, undo), name="neveridle-purse")
            self._keep(rest)
            await asyncio.wait([rest])
            raise

    def _keep(self, job: asyncio.Task[Any]) -> None:
        """Hold on to what must come to its end: ``close`` waits for it."""
        self._ending.add(job)
        job.add_done_callback(self._ending.discard)

    async def settle(self, held: int, usage: Usage, nanos: int, event: dict[str, Any]) -> None:
        """Book what a call has cost."""
        await self.surely(self._freeing(
            self.board.budgets.settle(held, tokens=usage.tokens, nanos=nanos, event=event)
        ))  # fmt: skip

    async def cancel(self, held: int) -> None:
        """Let go of what was held for a call that certainly cost nothing."""
        await self.surely(self._freeing(self.board.budgets.cancel(held)))

    async def _freeing(self, work: Coroutine[Any, Any, bool]) -> None:
        await work
        changed, self.freed = self.freed, asyncio.Event()
        changed.set()

    async def close(self) -> None:
        """Wait for what is being booked; before the board is closed."""
        while self._ending:
            await asyncio.gather(*self._ending, return_exceptions=True)


async def _unwanted(
    job: asyncio.Task[T], undo: Callable[[T], Coroutine[Any, Any, None]] | None
) -> None:
    """Wait for a job whose result nobody gets; its error is seen, for who asked is gone."""
    await asyncio.wait([job])
    if job.cancelled() or job.exception() is not None or undo is None:
        return
    await undo(job.result())
