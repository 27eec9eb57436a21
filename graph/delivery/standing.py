"""How a task's pull request stands, as it is kept with its attempts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from neveridle.board import Attempt
from neveridle.graph.delivery.facts import Facts

KEY = "pull_request"
"""Where it lies in an attempt's evidence."""
WAITS = "pull-request:"
"""How ``waiting_on`` begins of a task whose pull request is open."""
SAME = 50
"""Commits kept that are the reviewed work with nothing but the target branch merged in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the looks at a pull request need to know of earlier ones.

    Attributes:
        number: the pull request's; 0: there is none yet.
        url: of the pull request.
        branch: the branch there.
        commit: the commit that was pushed last.
        same: commits that hold the same work: an approval of one is one of all.
        pushed_at: when, by the board's clock.
        looks: how often nothing had changed, in a row.
        digest: of what was seen last.
        review: the newest review that was given to an agent.
        comment: the newest comment that was.
        rounds: how often an agent went back to it.
        fed: the failed checks that were given to an agent last, as a digest with their commit.
        asked: what was asked in the round that is not answered yet; empty: nothing.
        take: ``base`` where that round is to take in the target branch.
        merged_in: the commit made by taking in what others pushed, the work being the same.
    """

    number: int = 0
    url: str = ""
    branch: str = ""
    commit: str = ""
    same: tuple[str, ...] = ()
    pushed_at: float = 0.0
    looks: int = 0
    digest: str = ""
    review: int = 0
    comment: int = 0
    rounds: int = 0
    fed: str = ""
    asked: str = ""
    take: str = ""
    merged_in: str = ""

    def pushed(self, commit: str, at: float) -> Standing:
        """After a push."""
        if commit == self.commit:
            return self
        kept = (*self.same, commit)[-SAME:] if commit == self.merged_in else (commit,)
        return replace(self, commit=commit, same=kept, pushed_at=at, looks=0, digest="")

    def looked(self, seen: Facts) -> Standing:
        """After a look: nothing new counts, anything new begins to count again."""
        digest = digest_of(seen)
        return replace(self, digest=digest, looks=self.looks + 1 if digest == self.digest else 0)

    def fed_with(self, seen: Facts, asked: str, *, take: str = "") -> Standing:
        """After a round began: what it was about is not asked for again."""
        return replace(
            self,
            rounds=self.rounds + 1,
            review=max((self.review, *(one.id for one in seen.reviews))),
            comment=max((self.comment, *(one.id for one in seen.comments))),
            fed=failures_of(seen) if seen.failed else self.fed,
            asked=asked,
            take=take,
            looks=0,
            digest="",
        )

    def answered(self) -> Standing:
        """After the round was answered."""
        return replace(self, asked="", take="")

    def forgiven(self) -> Standing:
        """After a person was asked: if it is tried again, it has all its rounds once more."""
        return replace(self, rounds=0, fed="")

    def as_evidence(self, evidence: dict[str, Any] | None) -> dict[str, Any]:
        """An attempt's evidence with it."""
        return {**(evidence or {}), KEY: asdict(self)}


def standing_of(attempts: Sequence[Attempt]) -> Standing:
    """The newest that these attempts, the oldest first, have kept."""
    for one in reversed(attempts):
        kept = (one.evidence or {}).get(KEY)
        if isinstance(kept, dict):
            return _read(cast("dict[str, Any]", kept))
    return Standing()


def _read(kept: dict[str, Any]) -> Standing:
    known: dict[str, Any] = {
        name: one for name, one in kept.items() if name in Standing.__dataclass_fields__
    }
    known["same"] = tuple(known.get("same", ()))
    return Standing(**known)


def waits_on(number: int) -> str:
    """What a task waits on whose pull request is open."""
    return f"{WAITS}{number}"


def failures_of(seen: Facts) -> str:
    """What tells these failed checks of this commit from others."""
    return _digest(seen.head, *sorted({one.name for one in seen.failed}))


def digest_of(seen: Facts) -> str:
    """What tells one look from another: all but the time that passed."""
    return _digest(
        seen.state, seen.draft, seen.head, seen.mergeable, seen.merge_state,
        sorted((one.name, one.state) for one in seen.checks),
        [(one.id, one.state) for one in seen.reviews], [one.id for one in seen.comments],
    )  # fmt: skip


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
