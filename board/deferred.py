"""Effects that nobody waits for: they are done once their service can be used again.

An effect that no attempt owns (its ``fence`` is NULL) is deferred: recovery of its task leaves
it alone, and whichever process finds its service usable performs it, as its safety says.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from neveridle.board.asking import ask, kept_error, kept_result
from neveridle.board.attempt import Attempt
from neveridle.board.attempt_rows import own
from neveridle.board.clock import BoardClock
from neveridle.board.database import Database
from neveridle.board.effect import Effect, EffectState, Safety, action_key
from neveridle.board.effect_call import UNDONE
from neveridle.board.effect_rows import CALLS, SLACK, effect_from_row, find_effect
from neveridle.board.effects import VerbLookup
from neveridle.board.lookup import find_task
from neveridle.board.schema import board_clock, effects, messages
from neveridle.board.sql import NOW, log
from neveridle.board.storable import storable
from neveridle.board.verb import AlreadyThere, EffectVerb
from neveridle.errors import ModelMistake, ServiceError

LISTED: Final = 100
"""Deferred effects that one look goes through."""


@dataclass(frozen=True, slots=True)
class _Taken:
    effect: Effect
    called_at: float | None


class Deferred:
    """``board.deferred``.

    Args:
        database: where effects are.
        clock: the board's.
    """

    def __init__(self, database: Database, clock: BoardClock) -> None:
        self._database = database
        self._clock = clock

    async def leave(self, attempt: Attempt, verb: EffectVerb, target: str) -> int:
        """Let an attempt wait no longer for what it could not write; how many effects those are.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """

        def work(c: Connection) -> int:
            own(c, attempt)
            mine = (
                (effects.c.task_id == attempt.task_id)
                & (effects.c.service == verb.service)
                & (effects.c.verb == verb.name)
                & (effects.c.target == str(verb.clean(target)))
                & (effects.c.state == "intended")
            )
            rows = c.execute(select(effects.c.id).where(mine)).scalars().all()
            for number in rows:
                c.execute(
                    update(effects).where(effects.c.id == number).values(fence=None, holder="")
                )
                _log(c, "effect.deferred", find_effect(c, number), {})
            return len(rows)

        return await self._database.write(work)

    async def later(
        self, task: int, verb: EffectVerb, target: str, request: Any = None, *, occasion: str = ""
    ) -> Effect:
        """Intend a write for a task that nobody works on; the effect, perhaps done long ago.

        The same action is one effect, however often it is asked for. Of two states of one
        target only the later one is still set.

        Raises:
            NotFound: there is no such task.
            ModelMistake: the request is no JSON or too large.
        """
        asking = ask(verb, target, request, occasion=occasion)

        def work(c: Connection) -> Effect:
            line = (
                (effects.c.task_id == task)
                & (effects.c.service == verb.service)
                & (effects.c.verb == verb.name)
                & (effects.c.target == asking.target)
            )
            key = action_key(
                task, find_task(c, task).created_at, service=verb.service, verb=verb.name,
                target=asking.named, content=asking.content, turn=0,
            )  # fmt: skip
            known = c.execute(select(effects.c.id).where(effects.c.key == key)).scalar()
            if known is not None:
                return find_effect(c, known)
            if verb.safety is Safety.NATURAL:
                c.execute(
                    update(effects).where(line, effects.c.state == "intended")
                    .values(state=str(EffectState.SUPERSEDED), settled_at=NOW, holder="")
                )  # fmt: skip
            made = c.execute(
                insert(effects).values(
                    key=key, task_id=task, service=verb.service, verb=verb.name,
                    target=asking.target, content=asking.content, safety=str(verb.safety),
                    request=asking.request, created_at=NOW,
                )
            ).inserted_primary_key  # fmt: skip
            assert made is not None
            effect = find_effect(c, int(made[0]))
            _log(c, "effect.deferred", effect, {})
            return effect

        return await self._database.write(work)

    async def waiting(self, limit: int = LISTED) -> list[Effect]:
        """Those that are still to be done, oldest first; what was tried too often is not."""
        query = (
            select(effects)
            .where(
                effects.c.state == "intended", effects.c.fence.is_(None), effects.c.calls < CALLS
            )
            .order_by(effects.c.id)
            .limit(limit)
        )
        return await self._database.read(
            lambda c: [effect_from_row(row) for row in c.execute(query).mappings()]
        )

    async def perform(self, verbs: VerbLookup) -> int:
        """Do what can be done now; how many were settled.

        Where a service cannot be used, the rest of what is meant for it waits for the next
        look. What nobody here knows how to do is left to those who do.
        """
        settled, broken = 0, set[str]()
        for effect in await self.waiting():
            verb = verbs.find(effect.service, effect.verb)
            if verb is None or effect.service in broken or verb.safety is not effect.safety:
                continue
            try:
                settled += await self._one(effect, verb)
            except UNDONE:
                broken.add(effect.service)
            except ServiceError:  # whether it was done is found out at a later look
                broken.add(effect.service)
        return settled

    async def _one(self, effect: Effect, verb: EffectVerb) -> int:
        holder = uuid.uuid4().hex
        taken = await self._database.write(lambda c: _take(c, effect.id, holder, verb.timeout))
        if taken is None:
            return 0
        try:
            result, how = await self._call(taken, verb)
        except ModelMistake as error:
            words = kept_error(verb, error)
            await self._settle(effect.id, holder, "effect.refused", {"error": words[:500]},
                               state=str(EffectState.REFUSED), error=words)  # fmt: skip
            return 1
        except UNDONE as error:
            words = kept_error(verb, error)
            values = {"calls": effects.c.calls - 1, "called_at": taken.called_at, "error": words}
            await self._database.write(lambda c: _leave(c, effect.id, holder, values))
            raise
        except BaseException as error:  # what is known is kept, then raised on
            said = kept_error(verb, error) if isinstance(error, Exception) else ""
            await self._database.write(lambda c: _leave(c, effect.id, holder, {"error": said}))
            if isinstance(error, ServiceError) or not isinstance(error, Exception):
                raise
            raise ServiceError(said, service=effect.service) from error
        kept = kept_result(verb, result)
        await self._settle(effect.id, holder, "effect.done", {"how": how, "owned": False},
                           state=str(EffectState.DONE), result=kept, how=how, error="")  # fmt: skip
        return 1

    async def _call(self, taken: _Taken, verb: EffectVerb) -> tuple[Any, str]:
        asked = taken.effect.asked(call=taken.effect.calls)
        async with self._clock.timeout(verb.timeout):
            if verb.safety is Safety.MARKER and taken.called_at is not None:
                assert verb.find is not None  # a verb with markers has one
                found = await verb.find(asked)
                if found is not None:
                    return found, "found"
            try:
                return await verb.call(asked), "called"
            except AlreadyThere as there:
                result = there.result
                if result is None and verb.find is not None:
                    result = await verb.find(asked)
                return result, "exists"

    async def _settle(
        self, number: int, holder: str, kind: str, data: dict[str, Any], **values: Any
    ) -> None:
        def work(c: Connection) -> None:
            mine = (effects.c.id == number) & (effects.c.holder == holder)
            c.execute(
                update(effects).where(mine)
                .values(called_at=None, holder="", settled_at=NOW, **values)
            )  # fmt: skip
            _log(c, kind, find_effect(c, number), data)

        await self._database.write(work)


def _take(c: Connection, number: int, holder: str, seconds: float) -> _Taken | None:
    """Begin a call of a deferred effect; None: it is not to be done, or somebody is at it."""
    row = c.execute(select(effects).where(effects.c.id == number)).mappings().one()
    effect = effect_from_row(row)
    now = c.execute(select(board_clock.c.now)).scalar_one()
    if not effect.open or effect.fence is not None or effect.calls >= CALLS:
        return None
    if row["holder"] and (row["held_until"] or 0) > now:
        return None
    if effect.safety is Safety.AT_LEAST_ONCE and effect.called_at is not None:
        said = "it may be there twice: whether an earlier call did it cannot be asked"
        _log(c, "effect.repeated", effect, {"said": said})
    c.execute(
        update(effects).where(effects.c.id == number)
        .values(calls=effects.c.calls + 1, called_at=NOW, holder=holder,
                held_until=NOW + seconds + SLACK)
    )  # fmt: skip
    if effect.calls + 1 == CALLS:
        text = (
            f"@human {effect.name} on {effect.target} is tried for the last time; what comes of "
            f"it: `neveridle effects`."
        )
        c.execute(
            insert(messages).values(channel="dev", author="team", content=storable(text), at=NOW)
        )
    return _Taken(find_effect(c, number), effect.called_at)


def _leave(c: Connection, number: int, holder: str, values: dict[str, Any]) -> None:
    mine = (effects.c.id == number) & (effects.c.holder == holder)
    c.execute(update(effects).where(mine).values(holder="", **values))


def _log(c: Connection, kind: str, effect: Effect, data: dict[str, Any]) -> None:
    said = {"effect": effect.id, "verb": effect.name, "target": effect.target, **data}
    log(c, kind, said, task=effect.task_id)
