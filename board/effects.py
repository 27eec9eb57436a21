"""Writes to services, each of which happens once, whatever dies when."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakValueDictionary

from sqlalchemy import Connection, select, update

from neveridle.board.asking import Asking, ask
from neveridle.board.attempt import Attempt
from neveridle.board.clock import BoardClock
from neveridle.board.database import Database
from neveridle.board.effect import Effect, EffectState, Performed
from neveridle.board.effect_call import UNDONE, EffectCall
from neveridle.board.effect_rows import (
    Begun,
    begin,
    effect_from_row,
    find_effect,
    stuck,
    take,
)
from neveridle.board.schema import effects
from neveridle.board.sql import NOW, log
from neveridle.board.verb import EffectVerb
from neveridle.errors import EffectRefused, EffectStuck, EffectUnsettled, StateConflict

FIRST_LOOK = 0.02
LONGEST_LOOK = 1.0
"""Seconds between two looks at an effect that another process is at."""
LOOKS = 1000


class VerbLookup(Protocol):
    """Where the verb of a recorded effect is found."""

    def find(self, service: str, name: str) -> EffectVerb | None:
        """A verb; None: nobody knows it."""
        ...


class Effects:
    """``board.effects``: an intent row, the call, a result row.

    What is asked for twice is done once: the key derives from the action, so that a later
    attempt at the same task finds what an earlier one did.
    """

    def __init__(self, database: Database, clock: BoardClock) -> None:
        self._database = database
        self._clock = clock
        self._lines: WeakValueDictionary[tuple[object, ...], asyncio.Lock] = WeakValueDictionary()

    async def once(
        self,
        attempt: Attempt,
        verb: EffectVerb,
        target: str,
        request: Any = None,
        *,
        occasion: str = "",
        again: bool = False,
    ) -> Performed:
        """Write to a service, unless this action was done already for this task.

        An intent that an earlier call left open is settled first, as the verb's safety
        says. What is stored is what is sent: secrets are taken out of both.

        Args:
            attempt: for whose task it is done.
            verb: how to do it.
            target: what is written to, such as ``AGT-275``.
            request: what is written, as plain JSON.
            occasion: what tells this action from an equal one that is wanted besides it.
            again: whether to try again what the service refused before.

        Raises:
            LeaseLost: the attempt does not own its task any more. What its call did is kept.
            EffectRefused: the service said no, now or before.
            EffectUnsettled: whether it was done is not known; the intent stays.
            EffectStuck: it was called too often without an answer.
            ServiceUnreached: certainly nothing was done; the intent stays.
            AccessRefused: the same, for want of credentials.
            ModelMistake: the request is no JSON or too large; nothing was stored.
        """
        asking = ask(verb, target, request, occasion=occasion)
        line = (attempt.thread, verb.service, verb.name, asking.target)
        async with self._lines.setdefault(line, asyncio.Lock()):
            performed = await self._settle(
                attempt,
                verb,
                lambda c, holder: begin(c, attempt, asking, holder, again=again),
            )
        return _with_difference(performed, asking)

    async def reconcile(self, attempt: Attempt, verbs: VerbLookup) -> list[Performed]:
        """Settle what earlier attempts at a task left open, each as its verb's safety says.

        All are looked at, also where one of them fails. What the service refuses is settled
        as refused, and no error.

        Args:
            attempt: the attempt that owns the task now.
            verbs: where the verbs are found.

        Raises:
            LeaseLost: the attempt does not own its task any more.
            EffectStuck: a person must say whether one was done: nobody here knows its verb,
                or it was called too often.
            EffectUnsettled: whether one was done is still not known.
            ServiceUnreached: a service cannot be asked.
            AccessRefused: a service does not want to be asked.
        """
        settled: list[Performed] = []
        wrong: list[Exception] = []
        for effect in await self.find(open_only=True, task=attempt.task_id):
            if effect.fence is None:  # nobody waits for it: see ``board.deferred``
                continue
            try:
                settled.append(await self._again(attempt, effect, verbs))
            except EffectRefused:
                continue
            except (EffectStuck, EffectUnsettled, *UNDONE) as error:
                wrong.append(error)
        # A person's turn comes first: waiting does not help there.
        if wrong:
            raise min(wrong, key=lambda one: not isinstance(one, EffectStuck))
        return settled

    async def _again(self, attempt: Attempt, effect: Effect, verbs: VerbLookup) -> Performed:
        verb = verbs.find(effect.service, effect.verb)
        if verb is None:
            raise stuck(effect, f"nobody in this team knows how to {effect.name}")
        if verb.safety is not effect.safety:
            raise stuck(effect, f"it was begun as {effect.safety}, and is {verb.safety} now")
        seconds = verb.timeout
        line = (attempt.thread, verb.service, verb.name, effect.target)
        async with self._lines.setdefault(line, asyncio.Lock()):
            return await self._settle(
                attempt,
                verb,
                lambda c, holder: take(c, attempt, effect.id, holder, seconds, again=False),
            )

    async def _settle(
        self, attempt: Attempt, verb: EffectVerb, taking: Callable[[Connection, str], Begun]
    ) -> Performed:
        """Take an effect up and do it, or wait until whoever is at it is done."""
        holder = uuid.uuid4().hex
        pause = FIRST_LOOK
        for _ in range(LOOKS):
            begun = await self._database.write(lambda c: taking(c, holder))
            if begun.mine:
                call = EffectCall(self._database, self._clock, attempt, verb, holder)
                done = await call.settled(begun)
                if done is not None:
                    return done
            elif not begun.busy_for:
                return Performed(begun.effect, fresh=False)
            await self._clock.sleep(min(pause, max(begun.busy_for, FIRST_LOOK)))
            pause = min(2 * pause, LONGEST_LOOK)
        msg = f"{verb.service}.{verb.name} for task {attempt.task_id} is done by somebody else."
        raise EffectUnsettled(msg, remedy="It is looked at again before the work goes on.")

    async def get(self, number: int) -> Effect:
        """One effect.

        Raises:
            NotFound: there is none of this number.
        """
        return await self._database.read(lambda c: find_effect(c, number))

    async def find(
        self, *, open_only: bool = False, task: int | None = None, limit: int = 1000
    ) -> list[Effect]:
        """Effects, oldest first.

        Args:
            open_only: only those of which it is not known whether they were done.
            task: only of this task.
            limit: at most so many, the newest.
        """
        query = select(effects).order_by(effects.c.id.desc()).limit(limit)
        if open_only:
            query = query.where(effects.c.state == "intended")
        if task is not None:
            query = query.where(effects.c.task_id == task)

        def work(c: Connection) -> list[Effect]:
            return [effect_from_row(row) for row in c.execute(query).mappings()][::-1]

        return await self._database.read(work)

    async def settle_by_hand(
        self, number: int, state: EffectState | str, *, result: Any = None, reason: str = ""
    ) -> Effect:
        """Say what a person found out about an open effect.

        Args:
            number: the effect's.
            state: ``done``; ``refused``: it was not done and shall not be; ``intended``: it
                was certainly not done, and shall be, with all its calls once more.
            result: what the service has, for those who ask later.
            reason: why, for those who look later.

        Raises:
            NotFound: there is none of this number.
            StateConflict: it is settled already, or this is no state for it.
        """
        wanted = EffectState(state)

        def work(c: Connection) -> Effect:
            effect = find_effect(c, number)
            if not effect.open or wanted is EffectState.SUPERSEDED:
                msg = f"Effect {number} is {effect.state}."
                remedy = "Only what is not known yet can be settled: `neveridle effects --open`."
                raise StateConflict(msg, remedy=remedy)
            values: dict[str, Any] = {"state": str(wanted), "called_at": None, "holder": ""}
            if wanted is EffectState.DONE:
                values |= {"result": result, "how": "by hand", "error": "", "settled_at": NOW}
            elif wanted is EffectState.REFUSED:
                error = reason or "given up by a person"
                values |= {"error": error, "settled_at": NOW}
            else:
                values |= {"calls": 0}
            c.execute(update(effects).where(effects.c.id == number).values(**values))
            data = {"effect": number, "verb": effect.name, "target": effect.target,
                    "as": str(wanted), "reason": reason}  # fmt: skip
            log(c, "effect.settled_by_hand", data, task=effect.task_id)
            return find_effect(c, number)

        return await self._database.write(work)


def _with_difference(performed: Performed, asking: Asking) -> Performed:
    differs = not performed.fresh and performed.effect.request != asking.request
    return Performed(performed.effect, performed.fresh, differs)
