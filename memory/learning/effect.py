"""What a memory does to success: tries it was shown to against the others; pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

DOUBT: Final = 4.0
"""Tries that the agents' usual rate counts for: few tries say little, and are drawn to it."""
FEW: Final = 8
"""Tries below which nothing is concluded."""
_Z: Final = 1.645
"""Standard deviations: that a memory is as good as its agents' rate has a chance under 5 %."""


class Try(Protocol):
    """One try of a task; see ``neveridle.board.memories.uses.Ended``."""

    @property
    def agent(self) -> str:
        """Who made it."""
        ...

    @property
    def succeeded(self) -> bool:
        """Whether it ended as completed."""
        ...

    @property
    def memories(self) -> frozenset[int]:
        """Which memories it was shown."""
        ...


@dataclass(frozen=True, slots=True)
class Effect:
    """What is known of one memory's effect.

    Attributes:
        memory: its id.
        shown: tries that ended and were shown it.
        succeeded: how many of them ended as completed.
        usual: the rate of success of the same agents' tries without it, 0 to 1; theirs in
            all where they have none without it.
        difference: the rate with it, drawn to the usual one, less the usual one: -1 to 1.
        few: whether these are too few tries to conclude anything.
        harmful: whether success with it is clearly below the usual rate.
    """

    memory: int
    shown: int
    succeeded: int
    usual: float
    difference: float
    few: bool
    harmful: bool


def effects_of(tries: Sequence[Try]) -> list[Effect]:
    """The effect of each memory that was shown, the best first.

    It is a comparison, no experiment: memories are shown where they fit, and hard tasks may
    be the ones they fit.
    """
    by_memory: dict[int, list[Try]] = {}
    for one in tries:
        for memory in one.memories:
            by_memory.setdefault(memory, []).append(one)
    whole: dict[str, tuple[int, int]] = {}
    for one in tries:
        count, good = whole.get(one.agent, (0, 0))
        whole[one.agent] = (count + 1, good + one.succeeded)
    found = [_effect(memory, shown, whole) for memory, shown in by_memory.items()]
    return sorted(found, key=lambda one: (-one.difference, -one.shown, one.memory))


def _effect(memory: int, shown: Sequence[Try], whole: dict[str, tuple[int, int]]) -> Effect:
    good = sum(one.succeeded for one in shown)
    agents = {one.agent for one in shown}
    every = [whole[agent] for agent in agents]
    count, succeeded = sum(one[0] for one in every), sum(one[1] for one in every)
    without = count - len(shown)
    usual = (succeeded - good) / without if without else succeeded / count
    drawn = (good + DOUBT * usual) / (len(shown) + DOUBT)
    few = len(shown) < FEW or without < FEW
    harmful = not few and _highest(good, len(shown)) < usual
    return Effect(memory, len(shown), good, usual, drawn - usual, few, harmful)


def _highest(good: int, count: int) -> float:
    """The highest rate that is still likely, by Wilson's interval."""
    rate, z = good / count, _Z
    middle = rate + z * z / (2 * count)
    spread = z * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    return (middle + spread) / (1 + z * z / count)
