"""The guard of one service: every call passes its breaker, and is repeated where that helps."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

from neveridle.board.breaker import BreakerPolicy, Permit
from neveridle.errors import (
    AccessRefused,
    ErrorCategory,
    NeveridleError,
    ServiceError,
    ServiceUnavailable,
    ServiceUnreached,
)
from neveridle.tools.resilience.failures import failure_of
from neveridle.tools.resilience.policy import RetryPolicy

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from neveridle.board.breakers import Breakers
    from neveridle.board.clock import BoardClock

T = TypeVar("T")

RETRY: Final = RetryPolicy()
BREAKER: Final = BreakerPolicy()


class Guard:
    """Calls one service: retry outermost, each attempt through the breaker.

    A good call costs next to nothing: tenacity is entered once a call has failed.

    Args:
        service: its name, by which tasks say that they need it.
        breakers: the board's.
        clock: the board's, by which waits are made.
        retry: how calls are repeated.
        breaker: when its breaker opens.
        credentials: a fingerprint of the credentials that are used, never they themselves.
        classify: the error of ours for what a call raised; see ``failure_of``.
        chance: random numbers from 0 to 1.
    """

    def __init__(
        self,
        service: str,
        breakers: Breakers,
        clock: BoardClock,
        *,
        retry: RetryPolicy = RETRY,
        breaker: BreakerPolicy = BREAKER,
        credentials: str = "",
        classify: Callable[[Exception, str], NeveridleError] = failure_of,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.service = service
        self._breakers = breakers
        self._clock = clock
        self._retry = retry
        self._policy = breaker
        self._credentials = credentials
        self._classify = classify
        self._chance = chance

    async def call(self, work: Callable[[], Awaitable[T]], *, repeatable: bool) -> T:
        """Call the service, again where that can help.

        Args:
            work: makes one request, and raises what it means where it fails.
            repeatable: whether it may be sent again when the service may have got it: a
                read, a write that sets a state, or one with a key of the client's.

        Raises:
            ServiceUnavailable: its breaker is open, or it is held: it was not called.
            RateLimited: it limits us for longer than this call may take.
            ServiceError: it failed, each time.
            NeveridleError: whatever else ``work`` raised, at once.
        """
        try:
            return await self._once(work)
        except ServiceError as error:
            if not self._helps(error, repeatable):
                raise
            first = error
        return await self._again(work, first, repeatable)

    async def _once(self, work: Callable[[], Awaitable[T]]) -> T:
        permit = await self._breakers.admit(self.service, self._policy, self._credentials)
        try:
            result = await work()
        except Exception as raised:  # told to the breaker as what it means, then raised on
            error = self._classify(raised, self.service)
            if isinstance(error, (ServiceError, AccessRefused)) and not error.service:
                error.service = self.service  # whoever routes around it must know
            await self._tell(permit, error)
            if error is raised:
                raise
            raise error from raised
        except BaseException:  # cancelled: whether the service is well is not known
            await self._breakers.abandoned(permit)
            raise
        await self._breakers.succeeded(permit)
        return result

    async def _tell(self, permit: Permit, error: NeveridleError) -> None:
        """Tell the breaker what a failed call says of the service."""
        if isinstance(error, ServiceUnavailable):  # of another service, within this one's call
            await self._breakers.abandoned(permit)
        elif isinstance(error, AccessRefused) and error.rejected:
            await self._breakers.hold(self.service, error.message, self._credentials)
        elif isinstance(error, ServiceError) and (error.health or error.wait is not None):
            await self._breakers.failed(
                permit, self._policy, error.message, wait=error.wait, health=error.health
            )
        else:  # it was answered, whatever the answer was
            await self._breakers.succeeded(permit)

    def _helps(self, error: BaseException, repeatable: bool) -> bool:
        """Whether calling again can help, and cannot do anything twice."""
        if not isinstance(error, ServiceError) or error.category is not ErrorCategory.TRANSIENT:
            return False
        return repeatable or isinstance(error, ServiceUnreached)

    async def _again(
        self, work: Callable[[], Awaitable[T]], first: ServiceError, repeatable: bool
    ) -> T:
        import tenacity

        began, spent, errors = await self._clock.now(), 0.0, [first]

        def wait(state: RetryCallState) -> float:
            asked = errors[-1].wait
            return (
                self._retry.delay(state.attempt_number, self._chance()) if asked is None else asked
            )

        def stop(state: RetryCallState) -> bool:
            if state.attempt_number >= self._retry.attempts:
                return True
            return spent + state.upcoming_sleep > self._retry.total

        async def attempt() -> T:
            nonlocal spent
            if len(errors) == 1:  # the call that was made before tenacity was entered
                errors.append(first)
                raise first
            try:
                return await self._once(work)
            except ServiceError as error:
                errors.append(error)
                spent = await self._clock.now() - began
                raise

        again = tenacity.AsyncRetrying(
            wait=wait,
            stop=stop,
            retry=tenacity.retry_if_exception(lambda error: self._helps(error, repeatable)),
            sleep=self._clock.sleep,
            reraise=True,
        )
        return await again(attempt)
