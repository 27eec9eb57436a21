"""The guard of one service: every call passes its breaker, and is repeated where that helps."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

from neveridle.board.breaker import BreakerPolicy, Permit
from neveridle.board.elapsed import elapsed
from neveridle.errors import AccessRefused, NeveridleError, ServiceError
from neveridle.tools.resilience.failures import failure_of
from neveridle.tools.resilience.meaning import Meaning, helps, meaning_of
from neveridle.tools.resilience.policy import RetryPolicy
from neveridle.tools.resilience.tally import Tally

if TYPE_CHECKING:
    from neveridle.board.breakers import Breakers
    from neveridle.board.clock import BoardClock
    from neveridle.tools.permits import Lane

T = TypeVar("T")

RETRY: Final = RetryPolicy()
BREAKER: Final = BreakerPolicy()


class Guard:
    """Calls one service: retry outermost, each attempt through the breaker.

    A good call costs next to nothing: nothing but the work itself is awaited while the
    process knows that the breaker is closed, and tenacity is entered once a call has failed.

    Args:
        service: its name, by which tasks say that they need it.
        breakers: the board's.
        clock: the board's, by which waits are made.
        retry: how calls are repeated.
        breaker: when its breaker opens.
        credentials: a fingerprint of the credentials that are used, never they themselves.
        lane: where each request waits for its turn; None: any number may be on their way.
        classify: the error of ours for what a call raised; see ``failure_of``. It is not
            asked about errors that are ours already.
        chance: random numbers from 0 to 1.
        tally: where requests are counted; None: in one of its own.

    Attributes:
        tally: the requests made, for metrics.
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
        lane: Lane | None = None,
        classify: Callable[[Exception, str], NeveridleError] = failure_of,
        chance: Callable[[], float] = random.random,
        tally: Tally | None = None,
    ) -> None:
        self.service = service
        self.tally = Tally() if tally is None else tally
        self._breakers = breakers
        self._clock = clock
        self._retry = retry
        self._policy = breaker
        self._credentials = credentials
        self._lane = lane
        self._classify = classify
        self._chance = chance

    async def call(
        self,
        work: Callable[[], Awaitable[T]],
        *,
        repeatable: bool,
        timeout: float | None = None,  # noqa: ASYNC109 (kept by the board's clock, not asyncio's)
    ) -> T:
        """Call the service, again where that can help.

        Args:
            work: makes one request, and raises what it means where it fails.
            repeatable: whether it may be sent again when the service may have got it: a
                read, a write that sets a state, or one with a key of the client's.
            timeout: seconds one request may take, by the board's clock; None: ``work`` sees
                to that itself.

        Raises:
            ServiceUnavailable: its breaker is open, or it is held: it was not called.
            ServiceUnreached: as many calls as may be were on their way all the time.
            RateLimited: it limits us for longer than this call may take.
            ServiceError: it failed, each time.
            NeveridleError: whatever else ``work`` raised, at once.
        """
        began = elapsed()
        try:
            if self._lane is not None:
                return await self._in_turn(self._lane, work, timeout, self._retry.total)
            permit = self._breakers.admitted(self.service, self._credentials)
            if permit is None:
                permit = await self._admit(self._retry.total)
            return await self._once(permit, work, timeout)
        except ServiceError as error:
            if not helps(error, repeatable=repeatable):
                raise
            first = error
        return await self._again(work, first, began, repeatable=repeatable, limit=timeout)

    async def _in_turn(
        self, lane: Lane, work: Callable[[], Awaitable[T]], limit: float | None, patience: float
    ) -> T:
        """One request once there is room for it; no probe has to wait for that."""
        async with lane.holding(patience):
            permit = self._breakers.admitted(self.service, self._credentials)
            if permit is None:
                permit = await self._admit(patience)
            return await self._once(permit, work, limit)

    async def _admit(self, patience: float) -> Permit:
        return await self._breakers.admit(
            self.service, self._policy, self._credentials, patience=patience
        )

    async def _once(
        self, permit: Permit, work: Callable[[], Awaitable[T]], limit: float | None
    ) -> T:
        self.tally.calls += 1
        try:
            result = await (work() if limit is None else self._timed(work, limit))
        except Exception as raised:  # told to the breaker as what it means, then raised on
            error = (
                raised
                if isinstance(raised, NeveridleError)
                else self._classify(raised, self.service)
            )
            if isinstance(error, (ServiceError, AccessRefused)) and not error.service:
                error.service = self.service  # whoever routes around it must know
            await self._tell(permit, error)
            if error is raised:
                raise
            raise error from raised
        except BaseException:  # cancelled: whether the service is well is not known
            await self._breakers.abandoned(permit)
            raise
        if not self._breakers.unblemished(permit):
            await self._breakers.succeeded(permit)
        return result

    async def _timed(self, work: Callable[[], Awaitable[T]], limit: float) -> T:
        try:
            async with self._clock.timeout(limit):
                return await work()
        except TimeoutError as error:
            msg = f"{self.service} did not answer within {limit:g} s."
            raise ServiceError(msg, service=self.service) from error

    async def _tell(self, permit: Permit, error: NeveridleError) -> None:
        """Tell the breaker what a failed call says of the service."""
        match meaning_of(error):
            case Meaning.REJECTED:
                await self._breakers.hold(self.service, error.message, self._credentials)
            case Meaning.LIMITED | Meaning.UNWELL as meaning:
                assert isinstance(error, ServiceError)
                limited, wait = meaning is Meaning.LIMITED, error.wait
                if limited and wait is None:
                    wait = self._policy.reset
                await self._breakers.failed(
                    permit, self._policy, error.message, wait=wait, health=not limited
                )
            case Meaning.ANSWERED:
                await self._breakers.succeeded(permit)
            case Meaning.UNKNOWN:
                await self._breakers.abandoned(permit)

    async def _again(
        self,
        work: Callable[[], Awaitable[T]],
        first: ServiceError,
        began: float,
        *,
        repeatable: bool,
        limit: float | None,
    ) -> T:
        from neveridle.tools.resilience.repeated import Budget, repeated

        budget = Budget(self._clock, self._retry.total, began)
        await budget.begin()

        async def attempt() -> T:
            if self._lane is not None:
                return await self._in_turn(self._lane, work, limit, budget.left)
            permit = self._breakers.admitted(self.service, self._credentials)
            if permit is None:
                permit = await self._admit(budget.left)
            self.tally.retries += 1
            return await self._once(permit, work, limit)

        return await repeated(
            attempt, first, self._retry, budget, self._chance, repeatable=repeatable
        )
