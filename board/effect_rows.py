"""The rows of effects, inside transactions of the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from neveridle.board.asking import Asking
from neveridle.board.attempt import Attempt
from neveridle.board.attempt_rows import own
from neveridle.board.effect import Effect, EffectState, Safety, action_key
from neveridle.board.schema import board_clock, effects, tasks
from neveridle.board.sql import NOW, log
from neveridle.errors import EffectRefused, EffectStuck, NotFound

SLACK = 1.0
"""Seconds for which a call is held longer than it may take."""
CALLS = 10
"""Calls that are made for one effect; then a person has to look."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What taking an effect up gave.

    Attributes:
        effect: the effect.
        mine: whether it is the caller's to do; else it is settled, or somebody is at it.
        called: whether a call was begun with it, as the row says.
        busy_for: seconds for which somebody else may still be at it.
    """

    effect: Effect
    mine: bool = False
    called: bool = False
    busy_for: float = 0.0


@dataclass(frozen=True, slots=True)
class Settled:
    """What settling an effect gave.

    Attributes:
        effect: the effect as it now stands.
        owned: whether the attempt still owns its task.
        duplicate: whether somebody else's call had made another object before.
    """

    effect: Effect
    owned: bool
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Undone:
    """What a row says too much when the call it tells of certainly did nothing.

    Attributes:
        called_at: when an earlier call began whose outcome is not known; None: there is none.
        calls: how many calls it counts too many.
    """

    called_at: float | None
    calls: int


def effect_from_row(row: Mapping[Any, Any]) -> Effect:
    """An effect from a row of ``effects``."""
    one = {name: row[name] for name in Effect.__slots__}
    one |= {"safety": Safety(one["safety"]), "state": EffectState(one["state"])}
    return Effect(**one)


def find_effect(c: Connection, number: int) -> Effect:
    """One effect.

    Raises:
        NotFound: there is none of this number.
    """
    row = c.execute(select(effects).where(effects.c.id == number)).mappings().first()
    if row is None:
        msg = f"There is no effect {number}."
        raise NotFound(msg, remedy="`neveridle effects` lists them.")
    return effect_from_row(row)


def begin(c: Connection, attempt: Attempt, asking: Asking, holder: str, *, again: bool) -> Begun:
    """Find the action's row, or write the intent with its first call begun.

    Raises:
        LeaseLost: the attempt does not own its task any more.
        EffectRefused: it was refused before, and is not to be tried again.
    """
    own(c, attempt)
    verb = asking.verb
    line = (
        (effects.c.task_id == attempt.task_id)
        & (effects.c.service == verb.service)
        & (effects.c.verb == verb.name)
        & (effects.c.target == asking.target)
    )
    turn = 0
    if verb.safety is Safety.NATURAL:
        # A state that was set otherwise since is set again: that is another action.
        latest = select(effects).where(line).order_by(effects.c.id.desc()).limit(1)
        row = c.execute(latest).mappings().first()
        if row is not None and row["content"] == asking.content:
            return take(c, attempt, row["id"], holder, asking.verb.timeout, again=again)
        busy = 0.0 if row is None else _busy(c, row)
        if row is not None and busy:  # or the older state could be set after the newer one
            return Begun(effect_from_row(row), busy_for=busy)
        turn = c.execute(select(func.count()).select_from(effects).where(line)).scalar_one()
        c.execute(
            update(effects).where(line, effects.c.state == "intended")
            .values(state=str(EffectState.SUPERSEDED), settled_at=NOW, holder="")
        )  # fmt: skip
    born = c.execute(select(tasks.c.created_at).where(tasks.c.id == attempt.task_id)).scalar_one()
    key = action_key(
        attempt.task_id, born, service=verb.service, verb=verb.name, target=asking.named,
        content=asking.content, turn=turn,
    )  # fmt: skip
    known = c.execute(select(effects.c.id).where(effects.c.key == key)).scalar()
    if known is not None:
        return take(c, attempt, known, holder, verb.timeout, again=again)
    made = c.execute(
        insert(effects).values(
            key=key, task_id=attempt.task_id, service=verb.service, verb=verb.name,
            target=asking.target, content=asking.content, safety=str(verb.safety), calls=1,
            request=asking.request, created_at=NOW, called_at=NOW,
            **_held(attempt, holder, verb.timeout),
        )
    ).inserted_primary_key  # fmt: skip
    assert made is not None
    effect = find_effect(c, int(made[0]))
    _log(c, "effect.intended", attempt, effect, {"cleaned": True} if asking.cleaned else {})
    return Begun(effect, mine=True, called=True)


def _busy(c: Connection, row: Mapping[Any, Any]) -> float:
    """Seconds for which somebody may still be at a deferred effect; 0: nobody is."""
    if row["state"] != "intended" or row["fence"] is not None or not row["holder"]:
        return 0.0
    now = float(c.execute(select(board_clock.c.now)).scalar_one())
    return max(float(row["held_until"] or 0) - now, 0.0)


def take(
    c: Connection, attempt: Attempt, number: int, holder: str, seconds: float, *, again: bool
) -> Begun:
    """Take up an effect that is there already; nothing is called yet.

    Args:
        c: the connection.
        attempt: who takes it up.
        number: the effect's.
        holder: a name nobody else has.
        seconds: for how long it is held at most.
        again: whether to take up one that was refused, too, unless it was too often.

    Raises:
        LeaseLost: the attempt does not own its task any more.
        EffectRefused: it was refused before, and is not to be tried again.
    """
    own(c, attempt)
    row = c.execute(select(effects).where(effects.c.id == number)).mappings().one()
    effect = effect_from_row(row)
    if effect.state is EffectState.REFUSED and (not again or effect.calls >= CALLS):
        msg = f"{effect.name} on {effect.target} was refused before: {effect.error}"
        raise EffectRefused(msg, remedy="Ask for something else, or for the same on purpose.")
    if effect.state not in (EffectState.INTENDED, EffectState.REFUSED):
        return Begun(effect)
    now = c.execute(select(board_clock.c.now)).scalar_one()
    # Whoever held it under another fence is dead, or a zombie that cannot begin a call.
    ours = (effect.fence, effect.run) == (attempt.fence, attempt.run) or effect.fence is None
    if row["holder"] not in ("", holder) and ours and row["held_until"] > now:
        return Begun(effect, busy_for=row["held_until"] - now)
    values: dict[str, Any] = _held(attempt, holder, seconds)
    if effect.state is EffectState.REFUSED:
        values |= {"state": str(EffectState.INTENDED), "error": "", "settled_at": None}
    c.execute(update(effects).where(effects.c.id == number).values(**values))
    return Begun(find_effect(c, number), mine=True)


def begin_call(c: Connection, attempt: Attempt, number: int, holder: str, seconds: float) -> Begun:
    """Note, right before it, that a call is made for an effect taken up before.

    Raises:
        LeaseLost: the attempt does not own its task any more.
        EffectStuck: too many calls were made already.
    """
    own(c, attempt)
    row = c.execute(select(effects).where(effects.c.id == number)).mappings().one()
    effect = effect_from_row(row)
    if not effect.open or row["holder"] != holder:
        return Begun(effect)
    if effect.calls >= CALLS:
        raise stuck(effect, f"{effect.calls} calls were made, the last with: {effect.error}")
    if effect.safety is Safety.AT_LEAST_ONCE and effect.called_at is not None:
        said = "it may be there twice: whether an earlier call did it cannot be asked"
        _log(c, "effect.repeated", attempt, effect, {"said": said})
    c.execute(
        update(effects).where(effects.c.id == number)
        .values(calls=effects.c.calls + 1, called_at=NOW, **_held(attempt, holder, seconds))
    )  # fmt: skip
    return Begun(find_effect(c, number), mine=True, called=True)


def check(c: Connection, attempt: Attempt, number: int, holder: str) -> bool:
    """Whether a call that was noted may still be made.

    Raises:
        LeaseLost: the attempt does not own its task any more.
    """
    own(c, attempt)
    query = select(effects.c.state, effects.c.holder).where(effects.c.id == number)
    state, held = c.execute(query).one()
    return bool(state == "intended" and held == holder)


def settle(c: Connection, attempt: Attempt, number: int, *, result: Any, how: str) -> Settled:
    """Keep what a call gave; also where its attempt lost the lease: it is the truth."""
    before = find_effect(c, number)
    owned = _owns(c, attempt)
    created = before.safety in (Safety.MARKER, Safety.AT_LEAST_ONCE)
    if before.state is EffectState.DONE:
        # What the other found by its marker is what this call had made.
        twice = created and how == before.how == "called"
        if twice:
            data = {"kept": before.result, "second": result}
            _log(c, "effect.duplicated", attempt, before, data)
        return Settled(before, owned, twice)
    values: dict[str, Any] = {"result": result, "how": how, "called_at": None, "holder": ""}
    if before.state is not EffectState.SUPERSEDED:
        values |= {"state": str(EffectState.DONE), "error": "", "settled_at": NOW}
    c.execute(update(effects).where(effects.c.id == number).values(**values))
    _log(c, "effect.done", attempt, before, {"how": how, "owned": owned})
    return Settled(find_effect(c, number), owned, duplicate=False)


def refuse(c: Connection, attempt: Attempt, number: int, holder: str, error: str) -> None:
    """Keep that the service said no; where somebody else is at it now, that one will see."""
    mine = (effects.c.id == number) & (effects.c.holder == holder)
    done = c.execute(
        update(effects).where(mine, effects.c.state == "intended")
        .values(state=str(EffectState.REFUSED), error=error, called_at=None, holder="",
                settled_at=NOW)
    )  # fmt: skip
    if done.rowcount:
        _log(c, "effect.refused", attempt, find_effect(c, number), {"error": error[:500]})


def leave(
    c: Connection, attempt: Attempt, number: int, holder: str, *, error: str, undone: Undone | None
) -> None:  # fmt: skip
    """Leave an intent open, for whoever takes it up next.

    Args:
        c: the connection.
        attempt: who leaves it.
        number: the effect's.
        holder: by which name it was held.
        error: what went wrong; empty: nothing did.
        undone: what the row said too much, as certainly nothing was done; None: who knows.
    """
    values: dict[str, Any] = {"holder": ""}
    if error:
        values["error"] = error
    if undone is not None:
        values |= {"called_at": undone.called_at, "calls": effects.c.calls - undone.calls}
    mine = (effects.c.id == number) & (effects.c.holder == holder)
    left = c.execute(update(effects).where(mine, effects.c.state == "intended").values(**values))
    if left.rowcount and error:
        kind = "effect.unknown" if undone is None else "effect.undone"
        _log(c, kind, attempt, find_effect(c, number), {"error": error[:500]})


def stuck(effect: Effect, why: str) -> EffectStuck:
    """The error of an effect that only a person can settle."""
    return EffectStuck(
        f"Whether {effect.name} on {effect.target} (effect {effect.id}) was done is not known: "
        f"{why}.",
        remedy=f"Look for it in {effect.service} (marker {effect.asked().marker}), say "
        f"`neveridle effects settle {effect.id} --as done` (or refused, or open), then "
        f"`neveridle tasks retry {effect.task_id}`.",
    )


def _owns(c: Connection, attempt: Attempt) -> bool:
    from neveridle.errors import LeaseLost

    try:
        own(c, attempt)
    except LeaseLost:
        return False
    return True


def _held(attempt: Attempt, holder: str, seconds: float) -> dict[str, Any]:
    return {
        "fence": attempt.fence,
        "run": attempt.run,
        "agent": attempt.agent,
        "holder": holder,
        "held_until": NOW + seconds + SLACK,
    }


def _log(
    c: Connection, kind: str, attempt: Attempt, effect: Effect, data: Mapping[str, Any]
) -> None:
    said = {"effect": effect.id, "verb": effect.name, "target": effect.target, **data}
    log(c, kind, said, agent=attempt.agent, run=attempt.run, task=attempt.task_id,
        fence=attempt.fence)  # fmt: skip
