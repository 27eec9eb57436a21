"""When a process that ended is started again: decisions, without doing anything."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

FOR_PEOPLE = (2, 4)
"""Exit codes that starting again cannot change: usage and configuration, what is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How patiently a process is started again.

    Attributes:
        first: seconds before the first restart.
        factor: by how much the pause grows with each quick death.
        longest: seconds the pause grows to at most.
        spread: by which share of itself a pause may be shorter or longer.
        stable: seconds of life after which a death is not a quick one.
        quick: quick deaths, one after the other, before giving up.
    """

    first: float = 0.5
    factor: float = 2.0
    longest: float = 30.0
    spread: float = 0.5
    stable: float = 60.0
    quick: int = 5


class Verdict(StrEnum):
    """What is done about a process that ended."""

    OVER = "over"
    AGAIN = "again"
    GIVE_UP = "give up"
    MISCONFIGURED = "misconfigured"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and after how many seconds."""

    verdict: Verdict
    pause: float = 0.0


@dataclass(slots=True)
class Restarts:
    """The deaths of one place in the fleet, and what follows from each.

    Attributes:
        deaths: how many quick ones there were, one after the other.
        restarts: how often its process was started again, in all.
    """

    policy: Policy
    deaths: int = 0
    restarts: int = 0

    def ended(self, *, code: int, lived: float, in_order: bool, chance: float) -> Decision:
        """Decide what follows when the place's process has ended.

        Args:
            code: its exit code; negative: the signal that killed it.
            lived: seconds between its start and its end.
            in_order: whether it had said that its work is over.
            chance: a random number from 0 to 1, for the pause: many that die together
                must not come back together.
        """
        if in_order:
            return Decision(Verdict.OVER)
        if code in FOR_PEOPLE:
            return Decision(Verdict.MISCONFIGURED)
        policy = self.policy
        self.deaths = 1 if lived >= policy.stable else self.deaths + 1
        if self.deaths > policy.quick:
            return Decision(Verdict.GIVE_UP)
        pause = min(policy.first * policy.factor ** (self.deaths - 1), policy.longest)
        self.restarts += 1
        return Decision(Verdict.AGAIN, pause * (1 + policy.spread * (2 * chance - 1)))
