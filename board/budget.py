"""Budgets: what is capped, over which window, and whether a call still fits.

Money is in whole nano-dollars, see ``neveridle.board.governing``. Scopes are ``day`` and
``team`` (the whole team, each day and in all), ``improvement`` (its tasks together, each
day), ``agent:NAME`` (each day) and ``task:ID`` (a task with all it was handed over to).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

DAY = "day"
TEAM = "team"
IMPROVEMENT = "improvement"
NANOS = 1_000_000_000
"""Nano-dollars in a US dollar."""
ONCE: Final = 1_000_000
"""The factor of a model that keeps its promises, in millionths."""
MOST: Final = 100 * ONCE
"""The largest factor: beyond it one call is worth a window, and no factor would help."""
MARGIN: Final = 1_125_000
"""A factor is by an eighth above what was seen, so that the next one hardly ever exceeds it."""
REMEMBERED: Final = 7 * 86_400.0
"""Seconds for which a model's factor holds after it last used more than was promised."""


def agent_scope(name: str) -> str:
    """The scope of an agent's days."""
    return f"agent:{name}"


def task_scope(task: int) -> str:
    """The scope of a task, by the id of the first of its chain of handoffs."""
    return f"task:{task}"


def overrun_scope(model: str) -> str:
    """Where it is kept by how much a model uses more than is promised for it.

    A row of ``budgets`` of its own kind: ``tokens`` and ``nanos`` are factors in millionths,
    ``calls`` is how often it happened, and at ``ends_at`` it is forgotten.
    """
    return f"overrun:{model}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """One budget that a call counts in; also one without any limit is counted.

    Attributes:
        scope: see above.
        window: the day as YYYY-MM-DD, where it is by day; empty: it never ends.
        ends_at: when the window ends, by the board's clock; None: never.
        tokens: tokens that may be spent in it; None: any number.
        nanos: nano-dollars that may be spent in it; None: any number.
    """

    scope: str
    window: str = ""
    ends_at: float | None = None
    tokens: int | None = None
    nanos: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The worst a call of a model may cost.

    Attributes:
        run, agent, task, fence: whose call it is; no task: the team's own.
        purpose: what the model is asked for, such as ``work``.
        model: its name, as in ``openai:gpt-5``.
        tokens: tokens it may use, those sent and those answered.
        nanos: nano-dollars these may cost; 0 where the price is not known.
        seconds: after which the call is lost where nobody has settled it, and the worst
            is what it counts.
    """

    run: str
    agent: str
    purpose: str
    model: str
    tokens: int
    nanos: int
    seconds: float
    task: int | None = None
    fence: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How one window of one scope stands.

    Attributes:
        tokens, nanos, calls: what was spent in it.
        held_tokens, held_nanos: the worst of the calls that are on their way.
        closed_at: when a call was refused for it; None: none was.
        cap_tokens, cap_nanos: the caps it was refused by.
    """

    scope: str
    window: str
    ends_at: float | None
    tokens: int = 0
    nanos: int = 0
    calls: int = 0
    held_tokens: int = 0
    held_nanos: int = 0
    closed_at: float | None = None
    cap_tokens: int | None = None
    cap_nanos: int | None = None


class Fit(StrEnum):
    """Whether a call fits into a budget."""

    FITS = "fits"
    LATER = "later"
    """Not while other calls are on their way: it may, once they have turned out cheaper."""
    NEVER = "never"
    """Not before the window ends, or the cap is raised."""


def fit(standing: Standing, cap: Cap, call: Call) -> Fit:
    """Whether a call fits into what a window has left.

    A window that was closed stays closed for every call, until its cap is raised: else
    agents would try each task again for as long as there is a rest that none fits into.
    """
    if standing.closed_at is not None and not raised(standing, cap):
        return Fit.NEVER
    found = Fit.FITS
    for spent, held, worst, limit in (
        (standing.tokens, standing.held_tokens, call.tokens, cap.tokens),
        (standing.nanos, standing.held_nanos, call.nanos, cap.nanos),
    ):
        if limit is None:
            continue
        if spent + worst > limit:
            return Fit.NEVER
        if spent + held + worst > limit:
            found = Fit.LATER
    return found


def raised(standing: Standing, cap: Cap) -> bool:
    """Whether a cap is above the one that a window was closed by."""
    pairs = ((standing.cap_tokens, cap.tokens), (standing.cap_nanos, cap.nanos))
    return any(was is not None and (now is None or now > was) for was, now in pairs)


def in_order(caps: Iterable[Cap]) -> list[Cap]:
    """Caps in the one order in which all processes lock their windows; each window once."""
    known = {(cap.scope, cap.window): cap for cap in caps}
    return [known[key] for key in sorted(known)]


def heavier(call: Call, tokens: int, nanos: int) -> Call:
    """The worst case of a call of a model with these factors, in millionths."""
    if max(tokens, nanos) <= ONCE:
        return call
    return replace(call, tokens=_times(call.tokens, tokens), nanos=_times(call.nanos, nanos))


def _times(promised: int, factor: int) -> int:
    return -(-promised * max(factor, ONCE) // ONCE)


def learnt(promised: int, used: int) -> int:
    """The factor that a call teaches; ``ONCE``: it kept its promise."""
    if used <= promised or promised <= 0:
        return ONCE
    return min(-(-used * MARGIN // promised), MOST)
