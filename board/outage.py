"""When so many are silent at once that it is us, not them: the rule, without a database.

More than half of at least five agents look dead at the same time: a network, a disk or a
host of ours is out of order, and taking over what they hold would do their work twice as
soon as they are back. So nothing is taken over, one alert is raised, and it ends by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

FEWEST = 5
"""Agents below which silence is theirs: of four, three may well have died."""

BACK = "back"
HELD_LONG_ENOUGH = "held long enough"
BY_HAND = "by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRule:
    """How a sweep treats what is overdue.

    Attributes:
        expirations: a task whose attempts expired so often is blocked for a person.
        lease: seconds without a heartbeat after which an agent is silent.
        hold: seconds for which an outage is believed in at most; 0: never.
        reclaim: whether expired attempts are taken back at all; waits end in any case.
        by_hand: whether a person has decided that nobody is coming back.
    """

    expirations: int = 10
    lease: float = 120.0
    hold: float = 600.0
    reclaim: bool = True
    by_hand: bool = False

    @property
    def window(self) -> float:
        """Seconds for which a run that was never ended still speaks for its agent.

        Who was last heard of longer ago died in an earlier life of the team. An outage fits
        into it, however late it was noticed.
        """
        return 2 * self.lease + self.hold


@dataclass(frozen=True, slots=True)
class Outage:
    """An outage that has not ended."""

    id: int
    began_at: float
    held_until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Who is there, as far as sweeping needs to know.

    Attributes:
        now: the board's time.
        late: whether an attempt's lease is over.
        heard: when each agent was last heard of, by any of its runs that was not ended.
        waived: agents whose silence is accepted: by a person, or as it lasted too long.
        outage: the outage that has not ended, if any.
    """

    now: float
    late: bool
    heard: dict[str, float] = field(default_factory=dict[str, float])
    waived: frozenset[str] = frozenset()
    outage: Outage | None = None


class Verdict(StrEnum):
    """What a sweep does about expired attempts."""

    RECLAIM = "reclaim"
    HOLD = "hold"
    BEGIN = "begin"
    END = "end"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a sweep does, and why.

    Attributes:
        verdict: ``END`` reclaims as well: nothing is held back any more.
        silent: the agents that are silent, sorted.
        agents: how many agents count.
        how: how an outage ended.
    """

    verdict: Verdict
    silent: tuple[str, ...] = ()
    agents: int = 0
    how: str = ""

    @property
    def reclaims(self) -> bool:
        """Whether expired attempts are taken back."""
        return self.verdict in (Verdict.RECLAIM, Verdict.END)


def judge(census: Census, rule: SweepRule) -> Judgement:
    """What to do about expired attempts.

    An agent is silent when none of its live runs was heard of within the lease. Exactly
    half of the agents is no outage, and neither are four.
    """
    counted = {
        agent: at
        for agent, at in census.heard.items()
        if census.now - at < rule.window
        and not (agent in census.waived and census.now - at >= rule.lease)
    }
    silent = tuple(sorted(one for one, at in counted.items() if census.now - at >= rule.lease))
    widespread = rule.hold > 0 and len(counted) >= FEWEST and 2 * len(silent) > len(counted)
    outage = census.outage

    def found(verdict: Verdict, how: str = "") -> Judgement:
        return Judgement(verdict, silent, len(counted), how)

    if rule.by_hand:
        return found(Verdict.END, BY_HAND)
    if not rule.reclaim:
        return found(Verdict.HOLD)
    if outage is not None:
        if census.now >= outage.held_until:
            return found(Verdict.END, HELD_LONG_ENOUGH)
        if not widespread:
            return found(Verdict.END, BACK)
        return found(Verdict.HOLD)
    if widespread and census.late:
        return found(Verdict.BEGIN)
    return found(Verdict.RECLAIM)


def began(judgement: Judgement, rule: SweepRule) -> tuple[dict[str, Any], str]:
    """Event and message that tell of an outage: once, however many sweep."""
    silent = list(judgement.silent)
    data = {"silent": silent, "agents": judgement.agents, "hold": rule.hold}
    text = (
        f"@human {len(silent)} of {judgement.agents} agents fell silent at once "
        f"({', '.join(silent)}): this looks like an outage of ours, not of theirs. What they "
        f"hold is not taken over for {rule.hold:.0f} seconds, or until they are back. "
        "`neveridle recover` takes it over at once."
    )
    return data, text


def ended(how: str, seconds: float) -> tuple[dict[str, Any], str]:
    """Event and message that tell of an outage's end."""
    data = {"how": how, "seconds": round(seconds, 3)}
    said = {
        BACK: "enough agents are back",
        HELD_LONG_ENOUGH: "it lasted too long to be waited for; what they hold is taken over",
        BY_HAND: "a person ended it; what they hold is taken over",
    }
    return data, f"The outage is over after {seconds:.0f} seconds: {said[how]}."
