"""What is known of a pull request when it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
"""How the repository stands to those whose reviews count. On a public one anybody can review."""


class Head(StrEnum):
    """What the pull request's head is to the commit we pushed last."""

    OURS = "ours"
    OLDER = "older"
    """One of our own before it: the service has not seen the push yet."""
    FOREIGN = "foreign"
    """Somebody else pushed."""


@dataclass(frozen=True, slots=True)
class CheckFact:
    """One check of the head commit.

    Attributes:
        name: the check's.
        state: how it stands.
        id: of the check run; 0: it is a status of a commit.
    """

    name: str
    state: Literal["pending", "passed", "failed"]
    id: int = 0


@dataclass(frozen=True, slots=True)
class ReviewFact:
    """One review that somebody submitted.

    Attributes:
        id: rises with each review.
        author: who.
        state: ``approved``, ``changes_requested``, ``commented`` or ``dismissed``.
        commit: the commit it looked at.
        body: what it says; data from outside.
        trusted: whether the repository's people let its author review.
    """

    id: int
    author: str
    state: str
    commit: str = ""
    body: str = ""
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class CommentFact:
    """One comment on a line.

    Attributes:
        id: rises with each comment.
        ours: whether this task wrote it.
        author: who.
        where: path and line.
        body: what it says; data from outside.
        trusted: as for a review.
    """

    id: int
    author: str
    where: str = ""
    body: str = ""
    ours: bool = False
    trusted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A pull request at one look.

    Attributes:
        number: the pull request's.
        state: ``open``, ``closed`` (not merged) or ``merged``.
        draft: whether it is a draft.
        head: its head commit.
        owner: what that is to ours.
        mergeable: whether it merges without conflicts; None: the service does not know yet.
        merge_state: the service's own word, such as ``clean``, ``blocked``, ``behind``.
        merge_commit: the commit that merged it; empty: it is not merged.
        checks: of its head, complete.
        reviews: all, the oldest first.
        comments: all on lines, the oldest first.
        age: seconds since we last pushed.
    """

    number: int
    state: Literal["open", "closed", "merged"] = "open"
    draft: bool = False
    head: str
    owner: Head = Head.OURS
    mergeable: bool | None = True
    merge_state: str = ""
    merge_commit: str = ""
    checks: tuple[CheckFact, ...] = ()
    reviews: tuple[ReviewFact, ...] = ()
    comments: tuple[CommentFact, ...] = ()
    age: float = 0.0

    @property
    def failed(self) -> tuple[CheckFact, ...]:
        """The checks that failed."""
        return tuple(one for one in self.checks if one.state == "failed")

    @property
    def pending(self) -> tuple[CheckFact, ...]:
        """The checks that are still to come."""
        return tuple(one for one in self.checks if one.state == "pending")

    @property
    def verdicts(self) -> dict[str, ReviewFact]:
        """Each reviewer's last word: a mere comment does not take an earlier one back."""
        last: dict[str, ReviewFact] = {}
        for one in self.reviews:
            if one.trusted and one.state != "commented":
                last[one.author] = one
        return last

    @property
    def refusals(self) -> tuple[ReviewFact, ...]:
        """Reviews that ask for changes and stand."""
        return tuple(one for one in self.verdicts.values() if one.state == "changes_requested")
