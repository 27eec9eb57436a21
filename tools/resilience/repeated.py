"""Calling again after a failure; this is where tenacity is imported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import tenacity

from neveridle.board.elapsed import elapsed
from neveridle.errors import ServiceError, ServiceUnavailable
from neveridle.tools.resilience.meaning import helps
from neveridle.tools.resilience.policy import RetryPolicy

if TYPE_CHECKING:
    from neveridle.board.clock import BoardClock

T = TypeVar("T")


class Budget:
    """The time that one call may take, all its requests and waits.

    Args:
        clock: the board's; asked only where its time is scripted.
        total: seconds.
        began: ``elapsed()`` when the call began.
    """

    def __init__(self, clock: BoardClock, total: float, began: float) -> None:
        self._clock = clock
        self._total = total
        self._began = began
        self._scripted_at: float | None = None
        self.left = total

    async def begin(self) -> None:
        """Take note of the time, now that it matters."""
        if self._clock.scripted:
            self._scripted_at = await self._clock.now()
        await self.look()

    async def look(self) -> None:
        """Find out what is left; scripted time counts from ``begin`` on."""
        if self._scripted_at is None:
            self.left = self._total - (elapsed() - self._began)
        else:
            self.left = self._total - (await self._clock.now() - self._scripted_at)

    async def sleep(self, seconds: float) -> None:
        """Wait, and look."""
        await self._clock.sleep(seconds)
        await self.look()


async def repeated(
    attempt: Callable[[], Awaitable[T]],
    first: ServiceError,
    policy: RetryPolicy,
    budget: Budget,
    chance: Callable[[], float],
    *,
    repeatable: bool,
) -> T:
    """The result of an attempt, after the first one failed.

    Args:
        attempt: makes one more call.
        first: how the first one ended.
        policy: how often, and how late.
        budget: the time there is.
        chance: random numbers from 0 to 1.
        repeatable: whether it may be sent again when the service may have got it.
    """
    last, begun = first, False

    def wait(state: tenacity.RetryCallState) -> float:
        return policy.delay(state.attempt_number, chance(), last.wait)

    def stop(state: tenacity.RetryCallState) -> bool:
        return state.attempt_number >= policy.attempts or state.upcoming_sleep > budget.left

    async def once() -> T:
        nonlocal last, begun
        if not begun:  # the call that was made before tenacity was entered
            begun = True
            raise first
        try:
            return await attempt()
        except ServiceUnavailable as error:  # opened meanwhile: say by what
            error.__cause__ = error.__cause__ or last
            raise
        except ServiceError as error:
            last = error
            await budget.look()
            raise

    again = tenacity.AsyncRetrying(
        wait=wait,
        stop=stop,
        retry=tenacity.retry_if_exception(lambda error: helps(error, repeatable=repeatable)),
        sleep=budget.sleep,
        reraise=True,
    )
    return await again(once)
