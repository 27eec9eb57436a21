"""Requests that a recording does not hold exactly."""

from __future__ import annotations

from typing import Final

KEPT: Final = 50
"""Differences that are kept; all are counted."""


class Strays:
    """Counts requests that did not fit, and keeps the first differences.

    Attributes:
        lenient_matches: how many were answered by the nearest recorded request.
        mismatches: how many were refused.
        differences: what differed, the first of both.
    """

    def __init__(self) -> None:
        self.lenient_matches = 0
        self.mismatches = 0
        self.differences: list[str] = []

    def accepted(self, difference: str) -> None:
        """Note one that the nearest answered."""
        self.lenient_matches += 1
        self._keep(difference)

    def refused(self, difference: str) -> None:
        """Note one that nothing answered."""
        self.mismatches += 1
        self._keep(difference)

    def _keep(self, difference: str) -> None:
        if len(self.differences) < KEPT:
            self.differences.append(difference)
