"""What a finder proposes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Proposal:
    """One opportunity to improve the repository.

    Attributes:
        finder: the name of the finder.
        title: one line.
        reason: why it is worth doing, in a sentence.
        description: the task's text for whoever takes it; what was found is quoted in it.
        value: 0 to 1, estimated; ``docs/design/improvement.md`` gives the scale.
        fingerprint: the same opportunity, found again after unrelated edits, has the same one.
        paths: files it is about, relative to the repository, with slashes.
        skills: what its worker must be able to do; empty: anybody.
        needs_change: whether done means a change in the repository, or notes are enough.
    """

    finder: str
    title: str
    reason: str
    description: str
    value: float
    fingerprint: str
    paths: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    needs_change: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1:  # NaN too
            msg = f"the value of a proposal is between 0 and 1, not {self.value}"
            raise ValueError(msg)
        if not self.title.strip() or not self.fingerprint:
            msg = "a proposal has a title and a fingerprint"
            raise ValueError(msg)


def fingerprint(finder: str, *parts: str) -> str:
    """A short, stable name for an opportunity, from what identifies it (never line numbers)."""
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return f"{finder}:{hashlib.sha256(joined).hexdigest()[:20]}"
