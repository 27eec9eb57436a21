"""What to do about a pull request: a pure function of what is known of it.

Nothing here asks or writes anything: the same facts give the same step.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from neveridle.graph.delivery.facts import CommentFact, Facts, Head, ReviewFact
from neveridle.graph.delivery.standing import Standing, failures_of

GRACE = 120.0
"""Seconds after a push in which no check at all means that checks are still to come."""
PATIENCE = 6
"""Looks at unchanged checks after which those that failed are taken up, though others pend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the operator set.

    Attributes:
        rounds: see ``[delivery] rounds``.
        approvals: see ``[delivery] approvals``.
        may_merge: whether the agent that looks may merge.
        look: seconds until the next look at first.
        longest: seconds between two looks at most.
    """

    rounds: int = 5
    approvals: int = 1
    may_merge: bool = False
    look: float = 30.0
    longest: float = 900.0


class For(StrEnum):
    """What is waited for."""

    CHECKS = "checks"
    REVIEW = "review"
    SERVICE = "service"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Merged:
    """It was merged: the work is delivered."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A person closed it and wants no more of it."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """A person is asked; ``why`` says what was tried."""

    why: str


@dataclass(frozen=True, slots=True)
class TakeIn:
    """What others pushed is merged into the branch: ``base`` or ``head``."""

    what: str


@dataclass(frozen=True, slots=True)
class Feed:
    """The task's next attempt gets what was found.

    Attributes:
        checks: whether failed checks are among it.
        reviews: those that are new.
        comments: those that are new.
    """

    checks: bool = False
    reviews: tuple[ReviewFact, ...] = ()
    comments: tuple[CommentFact, ...] = ()


@dataclass(frozen=True, slots=True)
class Merge:
    """It is merged at this commit, and at no other."""

    commit: str


@dataclass(frozen=True, slots=True)
class Wait:
    """It is looked at again later.

    Attributes:
        on: what is waited for.
        seconds: until then.
        why: in words.
    """

    on: For
    seconds: float
    why: str


Step: TypeAlias = Merged | Closed | GiveUp | TakeIn | Feed | Merge | Wait


def decide(seen: Facts, standing: Standing, rules: Rules) -> Step:
    """The next step.

    Args:
        seen: the pull request as it is.
        standing: what earlier looks left.
        rules: what the operator set.
    """
    if seen.state == "merged":
        return Merged()
    if seen.state == "closed":
        return Closed()
    if seen.draft:
        return wait(standing, rules, For.PERSON, "it is a draft")
    if seen.owner is Head.OLDER:
        return wait(standing, rules, For.SERVICE, "the service has not seen the push yet")
    if seen.owner is Head.FOREIGN:
        return TakeIn("head")
    feed = news(seen, standing)
    if feed is not None and (feed.reviews or feed.comments or _enough(seen, standing)):
        return _round(seen, standing, rules, feed)
    if seen.mergeable is False or seen.merge_state in ("dirty", "behind"):
        return TakeIn("base")
    return _onward(seen, standing, rules)


def news(seen: Facts, standing: Standing) -> Feed | None:
    """What an agent has to do something about, and was not told yet; None: nothing."""
    reviews = tuple(
        one for one in seen.reviews
        if one.id > standing.review and one.trusted
        and (one.state == "changes_requested" or (one.state == "commented" and one.body.strip()))
    )  # fmt: skip
    comments = tuple(
        one for one in seen.comments if one.id > standing.comment and one.trusted and not one.ours
    )
    if reviews or comments or seen.failed:
        return Feed(bool(seen.failed), reviews, comments)
    return None


def _enough(seen: Facts, standing: Standing) -> bool:
    """Whether the failed checks are all there will be, as far as one should wait for that."""
    return not seen.pending or standing.looks >= PATIENCE


def _round(seen: Facts, standing: Standing, rules: Rules, feed: Feed) -> Step:
    named = ", ".join(one.name for one in seen.failed)
    asked_again = not (feed.reviews or feed.comments) and standing.fed == failures_of(seen)
    if asked_again:
        return GiveUp(f"The checks {named} fail, and going back to them changed nothing.")
    if standing.rounds >= rules.rounds:
        left = f"the checks {named} fail" if named else "changes are asked for"
        return GiveUp(f"After {standing.rounds} rounds {left} still.")
    return feed


def _onward(seen: Facts, standing: Standing, rules: Rules) -> Step:
    """Nothing is to be repaired: wait, or merge."""
    if seen.pending or seen.failed:
        return wait(standing, rules, For.CHECKS, f"{len(seen.pending)} checks are pending")
    if not seen.checks and seen.age < GRACE:
        return wait(standing, rules, For.CHECKS, "no check has begun yet")
    if seen.refusals:
        names = ", ".join(one.author for one in seen.refusals)
        return wait(standing, rules, For.REVIEW, f"{names} asked for changes that were made")
    if seen.mergeable is None:
        return wait(standing, rules, For.SERVICE, "whether it can be merged is not known yet")
    if seen.merge_state in ("blocked", "draft"):
        return wait(standing, rules, For.PERSON, "the repository's rules do not allow it yet")
    approved = approvals(seen, standing)
    if approved < rules.approvals:
        said = f"{approved} of {rules.approvals} approvals"
        return wait(standing, rules, For.REVIEW, said)
    if not rules.may_merge:
        return wait(standing, rules, For.PERSON, "no agent may merge it")
    return Merge(seen.head)


def approvals(seen: Facts, standing: Standing) -> int:
    """How many approve of the work as it is, or with nothing but the target branch since."""
    return sum(
        one.state == "approved" and (one.commit == seen.head or one.commit in standing.same)
        for one in seen.verdicts.values()
    )


def wait(standing: Standing, rules: Rules, on: For, why: str) -> Wait:
    """A wait that grows with each look at which nothing had changed."""
    return Wait(on, min(rules.look * 2.0 ** min(standing.looks, 30), rules.longest), why)
