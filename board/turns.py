"""Which turns of an episode are told again, and which are new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Told:
    """A turn as far as it can be told from others.

    Attributes:
        digest: names its words; empty: it was forgotten, and may have been any.
        at: when it was; None: nobody said.
    """

    digest: str
    at: float | None

    def same(self, other: Told) -> bool:
        """Whether the other one, which nobody has stored yet, may be this one told again."""
        return not self.digest or self.surely(other)

    def surely(self, other: Told) -> bool:
        """Whether it says the same, as far as both say when."""
        return self.digest == other.digest and (other.at is None or other.at == self.at)


def continued(stored: Sequence[Told], given: Sequence[Told]) -> list[int | None]:
    """For each turn given, the place of the stored one that it is; None: it is new.

    Who tells an episode again may tell all of it, only its end, or a part: what is given is
    laid over what is stored so that as many as possible agree. Where nothing fits (a turn was
    changed), each turn that is stored with the same words counts as told again, once.
    """
    size = len(given)
    for start in range(len(stored) - size, -1, -1):
        if _fits(stored[start : start + size], given):
            return list(range(start, start + size))
    for overlap in range(min(len(stored), size - 1), 0, -1):
        first = len(stored) - overlap
        if _fits(stored[first:], given[:overlap]):
            return [*range(first, len(stored)), *(None for _ in range(size - overlap))]
    left = list(range(len(stored)))
    found: list[int | None] = []
    for turn in given:
        place = next((i for i in left if stored[i].surely(turn)), None)
        found.append(place)
        if place is not None:
            left.remove(place)
    return found


def _fits(stored: Sequence[Told], given: Sequence[Told]) -> bool:
    """Whether they can be the same; what was forgotten alone is no proof of it."""
    both = list(zip(stored, given, strict=True))
    return all(a.same(b) for a, b in both) and any(a.surely(b) for a, b in both)
