"""Stretches of the board's time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from neveridle.errors import StateConflict

HOUR: Final = 3_600.0
DAY: Final = 86_400.0
BUCKETS: Final = 1_000
"""Buckets of a series at most."""


@dataclass(frozen=True, slots=True)
class Window:
    """From ``since`` on, up to but without ``until``, in seconds since 1970 by the board's clock.

    Raises:
        StateConflict: it does not begin before it ends.
    """

    since: float
    until: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.since) and math.isfinite(self.until)):
            msg = "A window of time has a beginning and an end."
            raise StateConflict(msg, remedy="Give two times, in seconds since 1970.")
        if self.since >= self.until:
            msg = "The window ends before it begins, or holds no time at all."
            raise StateConflict(msg, remedy="Let it begin before it ends.")

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.until - self.since

    def holds(self, at: float) -> bool:
        """Whether a moment lies in it."""
        return self.since <= at < self.until

    def buckets(self, width: float) -> list[Window]:
        """The window in pieces of so many seconds, the last one as long as what is left.

        Raises:
            StateConflict: those would be too many, or are no pieces.
        """
        if not width > 0 or self.seconds / width > BUCKETS:
            msg = f"A series has up to {BUCKETS:,} buckets."
            raise StateConflict(msg, remedy="Choose wider buckets, or a shorter window.")
        count = max(1, math.ceil(self.seconds / width))
        edges = [self.since + number * width for number in range(count)]
        edges = [edge for edge in edges if edge < self.until]
        return [Window(a, b) for a, b in zip(edges, [*edges[1:], self.until], strict=True)]
