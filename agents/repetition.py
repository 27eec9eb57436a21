"""Whether an agent goes round in circles: told from what it did and what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

LONGEST: Final = 4
"""Rounds of the longest cycle that is noticed: A B C D A B C D …"""
KNOWN: Final = 256
"""Results, and actions, that are remembered as not new, the newest of each."""
FORGIVEN: Final = 10
"""Rounds with something new after which an agent that was told may be told again."""


class Why(StrEnum):
    """What is wrong with an attempt."""

    REPEATS = "repeats"
    """The same actions had the same results, again and again."""
    NO_NEWS = "no-news"
    """Nothing new came of many rounds, whatever was done in them."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing an agent did in a round.

    Attributes:
        action: what was done, as a digest: see ``digest``.
        result: what came of it, as a digest.
        changes: whether it may have changed something, where it was not done before just so.
        counts: whether its result can be news; that of ending an attempt wrongly cannot.
    """

    action: str
    result: str
    changes: bool = True
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """What was noticed.

    Attributes:
        why: see ``Why``.
        period: how many rounds the cycle has; 0: there is none.
        times: how often the cycle was gone round, or how many rounds brought nothing.
    """

    why: Why
    period: int
    times: int

    @property
    def rounds(self) -> int:
        """How many of the last rounds it is about."""
        return self.period * self.times if self.period else self.times


@dataclass(slots=True)
class Trail:
    """What is kept of an attempt's rounds: small, plain, and enough to notice.

    Attributes:
        rounds: a digest of each of the last rounds since the agent was told, oldest first.
        results: digests of results that are known.
        actions: digests of what was done before.
        quiet: rounds without news in a row.
        news: rounds with news since the agent was told.
        told: what was noticed when the agent was told; None: it was not.
    """

    rounds: list[str] = field(default_factory=list[str])
    results: list[str] = field(default_factory=list[str])
    actions: list[str] = field(default_factory=list[str])
    quiet: int = 0
    news: int = 0
    told: Finding | None = None

    def add(self, acts: Sequence[Act], *, keep: int) -> None:
        """Note a round.

        Args:
            acts: what was done in it, at once or one after the other; the order is not noted.
            keep: how many rounds are kept.
        """
        pairs = sorted({(act.action, act.result) for act in acts})
        self.rounds = [*self.rounds, digest(pairs)][-max(keep, 0) :] if keep else []
        if self._brings_news(acts):
            self.quiet = 0
            self.news += 1
        else:
            self.quiet += 1
        self.results = _newest(self.results, [act.result for act in acts])
        self.actions = _newest(self.actions, [act.action for act in acts])
        if self.told is not None and self.news >= FORGIVEN:
            self.told = None

    def _brings_news(self, acts: Sequence[Act]) -> bool:
        return any(
            act.counts
            and (act.result not in self.results or (act.changes and act.action not in self.actions))
            for act in acts
        )

    def forget(self) -> None:
        """Take all results for new again: the agent does not see the earlier ones any more."""
        self.results = []

    def look(self, *, repeats: int, quiet: int) -> Finding | None:
        """What is wrong just now; None: nothing.

        Args:
            repeats: how often the same makes a circle; 0: never.
            quiet: how many rounds without news are too many; 0: never.
        """
        period = cycle(self.rounds, repeats)
        if period:
            return Finding(Why.REPEATS, period, repeats)
        if quiet and self.quiet >= quiet:
            return Finding(Why.NO_NEWS, 0, self.quiet)
        return None

    def tell(self, found: Finding) -> None:
        """Note that the agent was told; from here it is counted anew."""
        self.told, self.rounds, self.quiet, self.news = found, [], 0, 0

    def as_dict(self) -> dict[str, Any]:
        """As it lies in the checkpoint."""
        told = self.told
        return {
            "rounds": self.rounds, "results": self.results, "actions": self.actions,
            "quiet": self.quiet, "news": self.news,
            "told": None if told is None else [str(told.why), told.period, told.times],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Trail:
        """The reverse of ``as_dict``; what is missing is empty."""
        told = data.get("told")
        return cls(
            rounds=list(data.get("rounds", ())),
            results=list(data.get("results", ())),
            actions=list(data.get("actions", ())),
            quiet=int(data.get("quiet", 0)),
            news=int(data.get("news", 0)),
            told=None if told is None else Finding(Why(told[0]), int(told[1]), int(told[2])),
        )


def cycle(rounds: Sequence[str], times: int) -> int:
    """The length of the shortest cycle that a sequence ends with, gone round so often; 0: none."""
    if times < 1:
        return 0
    for period in range(1, LONGEST + 1):
        last = rounds[-period * times :]
        if len(last) == period * times and all(
            one == last[at % period] for at, one in enumerate(last)
        ):
            return period
    return 0


def digest(value: object) -> str:
    """A short name for plain data: the same for the same, and no other in practice."""
    return hashlib.blake2b(repr(value).encode("utf-8", "replace"), digest_size=8).hexdigest()


def _newest(known: Sequence[str], more: Iterable[str]) -> list[str]:
    """What is known, each once, the newest at the end, at most ``KNOWN``."""
    return list(dict.fromkeys([*reversed([*known, *more])]))[:KNOWN][::-1]
