"""One taken-up effect: asking for it, calling, and keeping what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sqlalchemy import Connection

from neveridle.board.asking import kept_error, kept_result
from neveridle.board.attempt import Attempt, lease_lost
from neveridle.board.clock import BoardClock
from neveridle.board.database import Database
from neveridle.board.effect import Effect, Performed, Safety
from neveridle.board.effect_rows import (
    Begun,
    Settled,
    Undone,
    begin_call,
    check,
    find_effect,
    leave,
    refuse,
    settle,
)
from neveridle.board.sql import log
from neveridle.board.verb import AlreadyThere, EffectVerb
from neveridle.errors import (
    AccessRefused,
    EffectRefused,
    EffectUnsettled,
    ModelMistake,
    ServiceUnreached,
)

T = TypeVar("T")

UNDONE = (ServiceUnreached, AccessRefused)
"""After these certainly nothing was done."""

logger = logging.getLogger(__name__)


class EffectCall:
    """What is done for one effect that was taken up.

    Args:
        database: where its row is.
        clock: the board's clock.
        attempt: who does it.
        verb: how.
        holder: the name by which it is held.
    """

    def __init__(
        self,
        database: Database,
        clock: BoardClock,
        attempt: Attempt,
        verb: EffectVerb,
        holder: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._attempt = attempt
        self._verb = verb
        self._holder = holder

    async def settled(self, begun: Begun) -> Performed | None:
        """Settle it as its safety says; None: somebody else took it up meanwhile.

        Raises:
            LeaseLost: the attempt does not own its task any more.
            EffectRefused: the service said no.
            EffectUnsettled: whether it was done is not known.
            EffectStuck: it was called too often.
            ServiceUnreached: certainly nothing was done.
            AccessRefused: the same, for want of credentials.
        """
        effect = begun.effect
        number = effect.id
        unsure_since = None if begun.called else effect.called_at
        try:
            if begun.called:
                go_on = await self._database.read(self._check(number))
            else:
                found = await self._found(effect)
                if found is not None:
                    return found
                attempt, holder, seconds = self._attempt, self._holder, self._verb.timeout
                begun = await self._database.write(
                    lambda c: begin_call(c, attempt, number, holder, seconds)
                )
                effect, go_on = begun.effect, begun.mine
            if not go_on:
                now = await self._database.read(lambda c: find_effect(c, number))
                return None if now.open else Performed(now, fresh=False)
        except BaseException:  # no call was made, whatever the intent says
            undone = Undone(unsure_since, calls=int(begun.called))
            await self._leave(effect, error="", undone=undone)
            raise
        return await self._call(effect, unsure_since)

    def _check(self, number: int) -> Callable[[Connection], bool]:
        return lambda c: check(c, self._attempt, number, self._holder)

    async def _found(self, effect: Effect) -> Performed | None:
        """What an earlier call made, where the service can be asked for it."""
        if effect.safety is not Safety.MARKER or effect.called_at is None:
            return None
        assert self._verb.find is not None  # a verb with markers has one
        # A request that was on its way may arrive after we asked.
        wait = effect.called_at + self._verb.settles - await self._clock.now()
        if wait > 0:
            await self._clock.sleep(wait)
        result = await self._ask(effect)
        if result is None:
            return None
        done = await self._settle(effect, result, "found")
        return self._performed(done, fresh=False)

    async def _ask(self, effect: Effect) -> Any:
        assert self._verb.find is not None  # whoever asks has seen to that
        try:
            async with self._clock.timeout(self._verb.timeout):
                return await self._verb.find(effect.asked())
        except UNDONE as error:
            error.service = error.service or effect.service
            raise
        except Exception as error:  # a service's code raises anything; told as what it means
            raise self._unsettled(effect, error) from error

    async def _call(self, effect: Effect, unsure_since: float | None) -> Performed:
        """Call, and keep what comes of it, whoever owns the task by then."""
        answers: list[tuple[Any, str]] = []
        asked = effect.asked(call=effect.calls)
        try:
            async with self._clock.timeout(self._verb.timeout):
                try:
                    answers.append((await self._verb.call(asked), "called"))
                except AlreadyThere as there:
                    result = there.result
                    if result is None and self._verb.find is not None:
                        result = await self._verb.find(asked)
                    answers.append((result, "exists"))
        except ModelMistake as error:
            words = kept_error(self._verb, error)
            await self._write(lambda c: refuse(c, self._attempt, effect.id, self._holder, words))
            if isinstance(error, EffectRefused):
                raise
            raise EffectRefused(words) from error
        except UNDONE as error:
            error.service = error.service or effect.service
            await self._leave(
                effect, error=kept_error(self._verb, error), undone=Undone(unsure_since, calls=1),
            )  # fmt: skip
            raise
        except Exception as error:  # a service's code raises anything; told as what it means
            if not answers:  # else the time was over just as it answered
                await self._leave(
                    effect, error=kept_error(self._verb, error), undone=None,
                )  # fmt: skip
                raise self._unsettled(effect, error) from error
        except BaseException:  # cancelled or ended: what is known is kept, then raised on
            if answers:
                await self._settle(effect, *answers[0])
            else:
                await self._leave(effect, error="", undone=None)
            raise
        result, how = answers[0]
        done = await self._settle(effect, result, how)
        if done.duplicate:
            await self._retract(effect, result)
        return self._performed(done, fresh=not done.duplicate)

    async def _settle(self, effect: Effect, result: Any, how: str) -> Settled:
        kept = kept_result(self._verb, result)
        number, attempt = effect.id, self._attempt
        return await self._write(lambda c: settle(c, attempt, number, result=kept, how=how))

    def _performed(self, done: Settled, *, fresh: bool) -> Performed:
        if not done.owned:
            raise lease_lost(self._attempt.task_id, self._attempt.fence)
        return Performed(done.effect, fresh=fresh)

    async def _retract(self, effect: Effect, result: Any) -> None:
        """Take back the second of two objects, where that is possible."""
        if self._verb.retract is None:
            return
        data = {"effect": effect.id, "verb": effect.name, "target": effect.target}
        try:
            async with self._clock.timeout(self._verb.timeout):
                await self._verb.retract(effect.asked(call=effect.calls), result)
        except Exception as error:  # noqa: BLE001 - there are two, which is said already
            data["error"] = kept_error(self._verb, error)
        kind = "effect.retract_failed" if "error" in data else "effect.retracted"
        one = self._attempt
        await self._write(
            lambda c: log(c, kind, data, agent=one.agent, run=one.run, task=one.task_id,
                          fence=one.fence)
        )  # fmt: skip

    async def _leave(self, effect: Effect, *, error: str, undone: Undone | None) -> None:
        one, holder = self._attempt, self._holder
        await self._write(lambda c: leave(c, one, effect.id, holder, error=error, undone=undone))

    async def _write(self, work: Callable[[Connection], T]) -> T:
        """Write to its end, also where whoever waits for it is cancelled."""
        return await _to_its_end(self._database.write(work))

    def _unsettled(self, effect: Effect, error: BaseException) -> EffectUnsettled:
        words = kept_error(self._verb, error) or type(error).__name__
        return EffectUnsettled(
            f"Whether {effect.name} on {effect.target} was done is not known: {words}",
            remedy="It is found out before the work goes on.",
            service=effect.service,
        )


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    job = asyncio.get_running_loop().create_task(work, name="neveridle-effect")
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        job.add_done_callback(_seen)
        raise


def _seen(job: asyncio.Task[Any]) -> None:
    """Where nobody waits any more, a log line is all there can be."""
    if not job.cancelled() and job.exception() is not None:
        logger.warning("what came of an effect could not be kept", exc_info=job.exception())
