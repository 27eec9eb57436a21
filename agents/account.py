"""An account: the calls of one attempt, each paid from the purse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from neveridle.agents.caps import allows_nothing
from neveridle.board import Attempt, Board, Task
from neveridle.board.budget import Call, Cap, Fit, fit
from neveridle.board.simulation import host_seconds
from neveridle.errors import BudgetReached
from neveridle.memory.compaction.counting import message_tokens
from neveridle.tools.models import call_model
from neveridle.tools.models.prices import Usage, recorded_cost, usage_of
from neveridle.tools.telemetry import traced_model_call

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

    from neveridle.agents.purse import Purse

T = TypeVar("T")

PATIENCE: Final = 60.0
"""Seconds by the board's clock for which room held by other calls is waited for; and then,
for which no work is taken."""
FIRST, LONGEST = 0.25, 5.0
"""Seconds between two looks meanwhile."""


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

    @property
    def board(self) -> Board:
        """Where calls are booked and logged."""
        return self._purse.board

    @property
    def attempt(self) -> Attempt:
        """Whose calls these are."""
        return self._attempt

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
            async with self._purse.turn(made.name):  # nothing is held while one waits for it
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
        started = host_seconds()
        try:
            result = await traced_model_call(work, made.name, made.purpose, answers)
        except BaseException as error:  # raised on: also a cancelled call has its price
            if surely_free(error):
                await purse.cancel(held)
            else:
                took, cost = host_seconds() - started, purse.prices.worst(made.name, worst)
                data = self._event(made, worst, cost, took, None)
                data = {**data, "lost": type(error).__name__}
                await purse.settle(held, worst, call.nanos, data)
            raise
        took = host_seconds() - started
        said = answers(result)
        usage = usage_of(said)
        if usage is None or usage.input_tokens <= 0:
            usage = Usage(
                input_tokens=made.tokens,
                output_tokens=sum(message_tokens(one) for one in said),
                estimated=True,
            )
        cost = None if purse.prices.set_for(made.name) else recorded_cost(said)
        if cost is None:
            cost = purse.prices.cost(made.name, usage)
        model = next((one.response_metadata.get("model_name") for one in said), None)
        data = self._event(made, usage, cost, took, model)
        await purse.settle(held, usage, cost or 0, data)
        return result

    def _worst(self, made: _Made) -> tuple[Call, Usage]:
        purse = self._purse
        worst = Usage(
            input_tokens=purse.worst_input(made.tokens),
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
                    zero = BudgetReached(msg, scope=cap.scope, until=cap.ends_at)
                    zero.remedy = remedy_of(zero, self._task.id)
                    raise zero
            try:
                held = await self._reserve(call, caps)
            except BudgetReached as reached:
                if await self._raised(reached, caps):
                    continue
                reached.remedy = remedy_of(reached, self._task.id)
                raise
            if held is not None:
                return held
            if now - began >= PATIENCE:
                scope = await self._in_the_way(call, caps)
                msg = f"Other calls hold what is left of the budget {scope}."
                remedy = "It is tried again in a minute; `neveridle budget` shows what is held."
                raise BudgetReached(msg, remedy=remedy, scope=scope, until=now + PATIENCE)
            await purse.board.clock.until(freed, pause * (0.5 + purse.chance()))
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
        repeats, made.told = made.told, True
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
        if repeats:  # else all but the first were
            data["retries"] = tries
        return {**data, "estimated": True} if usage.estimated else data


class _Made:
    """One call with all its tries.

    Attributes:
        tries: requests made that no event tells of yet.
        told: whether an event told of one: what is sent now repeats what was lost.
    """

    def __init__(self, purpose: str, name: str, tokens: int) -> None:
        self.purpose = purpose
        self.name = name
        self.tokens = tokens
        self.tries = 0
        self.told = False


def remedy_of(reached: BudgetReached, task: int) -> str:
    """What to do where a budget was reached."""
    scope, _, name = reached.scope.partition(":")
    if scope == "task":
        return (
            f"Raise it with `neveridle budget raise {task} --tokens N` (or --cost DOLLARS): "
            "then it goes on where it was."
        )
    own = f"agents.{name}.budget" if scope == "agent" else f"budgets.{scope}"
    then = "" if reached.until is None else f" Else work goes on at {_said(reached.until)}."
    return f"Raise {own} in neveridle.toml and start again; `neveridle budget` shows it.{then}"


def _said(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"


def raw_answers(found: dict[str, Any]) -> list[AIMessage]:
    """The message in what ``with_structured_output(…, include_raw=True)`` returns."""
    from langchain_core.messages import AIMessage

    raw = found.get("raw")
    return [raw] if isinstance(raw, AIMessage) else []
