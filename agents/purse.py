"""The purse: every call of a model is paid from it, and none is made that it cannot pay."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from math import ceil
from typing import TYPE_CHECKING, Any, Final, TypeVar

from neveridle.agents.caps import Caps, allows_nothing
from neveridle.board import Attempt, Board, Task
from neveridle.board.budget import Call, Cap, Fit, Standing, fit
from neveridle.errors import BudgetReached
from neveridle.memory.compaction.counting import message_tokens
from neveridle.tools.models import call_model
from neveridle.tools.models.prices import Prices, Usage, usage_of

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

    from neveridle.settings import Settings
    from neveridle.tools.models import Models

T = TypeVar("T")

MARGIN: Final = 1.5
"""What a provider may count for each token that we estimate, until it has counted more."""
MOST: Final = 5.0
AROUND: Final = 64
"""Tokens a provider adds to a request of its own."""
TELLING: Final = 500
"""Estimated tokens from which on a call says how a provider counts."""
LINKS: Final = 1000
PATIENCE: Final = 60.0
"""Seconds by the board's clock for which room held by other calls is waited for; and then,
for which no work is taken."""
FIRST, LONGEST = 0.25, 5.0
"""Seconds between two looks meanwhile."""
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
        self._counted: dict[str, float] = {}
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

    def worst_input(self, model: str, estimated: int) -> int:
        """The most tokens that a provider may count for what we estimate."""
        return ceil(estimated * self._counted.get(model, MARGIN)) + AROUND

    def learn(self, model: str, estimated: int, counted: int) -> None:
        """Note how a provider counted what we had estimated; the worst case never shrinks."""
        if estimated >= TELLING and counted > 0:
            seen = min(1.1 * counted / estimated, MOST)
            self._counted[model] = max(self._counted.get(model, MARGIN), seen)

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

    async def _freeing(self, work: Coroutine[Any, Any, None]) -> None:
        await work
        changed, self.freed = self.freed, asyncio.Event()
        changed.set()

    async def pause(self, freed: asyncio.Event, seconds: float) -> None:
        """Wait by the board's clock, or until a call of this process was booked."""
        waits: list[asyncio.Task[Any]] = [
            asyncio.create_task(freed.wait()),
            asyncio.create_task(self.board.clock.sleep(seconds)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

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


class Account:
    """Pays the calls of one attempt.

    Args:
        purse: from which.
        task: the task as it was claimed.
        attempt: the attempt.
    """

    def __init__(self, purse: Purse, task: Task, attempt: Attempt) -> None:
        self._purse = purse
        self._task = task
        self._attempt = attempt
        self._first: Task | None = None

    async def call(
        self,
        purpose: str,
        work: Callable[[], Awaitable[T]],
        *,
        tokens: int,
        answers: Callable[[T], list[AIMessage]],
    ) -> T:
        """Call a model, again where that helps; each time it is paid for by itself.

        Args:
            purpose: ``work``, ``learn`` or ``compact``.
            work: makes one call.
            tokens: an estimate of all that it sends.
            answers: the messages that came of it, with what the provider counted.

        Raises:
            BudgetReached: there is no room for the worst case of it; it was not made.
            NeveridleError: see ``call_model``.
        """
        agent = self._attempt.agent
        models = self._purse.models
        made = _Made(purpose, models.name_for(purpose, agent), tokens)

        async def once() -> T:
            return await self._once(made, work, answers)

        return await call_model(models.guard_for(purpose, agent), once)

    async def _once(
        self,
        made: _Made,
        work: Callable[[], Awaitable[T]],
        answers: Callable[[T], list[AIMessage]],
    ) -> T:
        from neveridle.tools.models.billed import surely_free

        purse = self._purse
        call, worst = self._worst(made)
        held = await self._reserved(call)
        made.tries += 1
        started = time.monotonic()
        try:
            result = await work()
        except BaseException as error:  # raised on: also a cancelled call has its price
            if surely_free(error):
                await purse.cancel(held)
            else:
                took, cost = time.monotonic() - started, purse.prices.worst(made.name, worst)
                data = self._event(made, worst, cost, took, None)
                data = {**data, "lost": type(error).__name__}
                await purse.settle(held, worst, call.nanos, data)
            raise
        took = time.monotonic() - started
        said = answers(result)
        usage = usage_of(said)
        if usage is None or usage.input_tokens <= 0:
            usage = Usage(
                input_tokens=made.tokens,
                output_tokens=sum(message_tokens(one) for one in said),
                estimated=True,
            )
        else:
            purse.learn(made.name, made.tokens, usage.input_tokens)
        cost = purse.prices.cost(made.name, usage)
        model = next((one.response_metadata.get("model_name") for one in said), None)
        data = self._event(made, usage, cost, took, model)
        await purse.settle(held, usage, cost or 0, data)
        return result

    def _worst(self, made: _Made) -> tuple[Call, Usage]:
        purse = self._purse
        worst = Usage(
            input_tokens=purse.worst_input(made.name, made.tokens),
            output_tokens=purse.output_tokens,
            estimated=True,
        )
        nanos = purse.prices.worst(made.name, worst)
        call = Call(
            run=self._attempt.run,
            agent=self._attempt.agent,
            task=self._attempt.task_id,
            fence=self._attempt.fence,
            purpose=made.purpose,
            model=made.name,
            tokens=worst.tokens,
            nanos=nanos or 0,
            seconds=purse.seconds,
        )
        return call, worst

    async def _reserved(self, call: Call) -> int:
        """Hold the worst case; where only other calls are in the way, wait for them a while."""
        purse, began, pause = self._purse, None, FIRST
        while True:
            now = await purse.board.clock.now()
            began = now if began is None else began
            freed = purse.freed  # before it is tried: what is booked meanwhile wakes us
            caps = await self._caps(now)
            for cap in caps:
                if allows_nothing(cap):
                    msg = f"The budget {cap.scope} is 0: it allows no call of a model."
                    raise BudgetReached(msg, scope=cap.scope, until=cap.ends_at)
            try:
                held = await self._reserve(call, caps)
            except BudgetReached as reached:
                if not await self._raised(reached, caps):
                    raise
                continue
            if held is not None:
                return held
            if now - began >= PATIENCE:
                scope = await self._in_the_way(call, caps)
                msg = f"Other calls hold what is left of the budget {scope}."
                raise BudgetReached(msg, scope=scope, until=now + PATIENCE)
            await purse.pause(freed, pause * (0.5 + purse.chance()))
            pause = min(2 * pause, LONGEST)

    async def _caps(self, now: float) -> list[Cap]:
        purse = self._purse
        if self._first is None:
            self._first = await purse.first(self._task)
        return purse.caps.of_call(
            self._first, self._task, self._attempt.agent, purse.caps.today(now)
        )

    async def _raised(self, reached: BudgetReached, caps: list[Cap]) -> bool:
        """Whether a person has raised the task's own cap since it was last read."""
        assert self._first is not None
        was = self._purse.caps.task(self._first, self._task)
        if reached.scope != was.scope:
            return False
        self._task = await self._purse.board.tasks.get(self._task.id)
        self._first = await self._purse.first(self._task)
        return was != self._purse.caps.task(self._first, self._task)

    async def _reserve(self, call: Call, caps: list[Cap]) -> int | None:
        """Reserve; where it is cancelled meanwhile, nothing stays held."""
        budgets = self._purse.board.budgets

        async def undo(held: int | None) -> None:
            if held is not None:
                await budgets.cancel(held)

        return await self._purse.surely(budgets.reserve(call, caps), undo)

    async def _in_the_way(self, call: Call, caps: list[Cap]) -> str:
        """The budget that other calls hold; any of them where it is free again."""
        found = await self._purse.board.budgets.standing([(one.scope, one.window) for one in caps])
        standing = {one.scope: one for one in found}
        for cap in caps:
            one = standing.get(cap.scope)
            if one is not None and fit(one, cap, call) is not Fit.FITS:
                return cap.scope
        return caps[0].scope

    def _event(
        self, made: _Made, usage: Usage, cost: int | None, seconds: float, model: str | None
    ) -> dict[str, Any]:
        """What the event ``model.call`` says; never a text of the call."""
        tries, made.tries = made.tries, 0
        data: dict[str, Any] = {
            "purpose": made.purpose,
            "model": model,
            "name": made.name,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cache_read_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "cost": cost,
            "seconds": round(seconds, 3),
            "tries": tries,
            "rung": str(self._task.source),
        }
        return {**data, "estimated": True} if usage.estimated else data


class _Made:
    """One call with all its tries.

    Attributes:
        tries: requests made that no event tells of yet.
    """

    def __init__(self, purpose: str, name: str, tokens: int) -> None:
        self.purpose = purpose
        self.name = name
        self.tokens = tokens
        self.tries = 0


def raw_answers(found: dict[str, Any]) -> list[AIMessage]:
    """The message in what ``with_structured_output(…, include_raw=True)`` returns."""
    from langchain_core.messages import AIMessage

    raw = found.get("raw")
    return [raw] if isinstance(raw, AIMessage) else []
