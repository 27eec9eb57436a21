"""What is left of Linear's limits, as its last answers said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class Limits:
    """What Linear said in its headers.

    Attributes:
        requests: the share of requests left, from 0 to 1.
        complexity: the share of points left.
        cost: the points of the last query; None: not said.
    """

    requests: float = 1.0
    complexity: float = 1.0
    cost: float | None = None

    @property
    def left(self) -> float:
        """The smaller of both shares."""
        return min(self.requests, self.complexity)

    def note(self, headers: Mapping[str, str]) -> None:
        """Take over what an answer says; what it does not say stays as it was."""
        self.requests = _share(headers, "requests", self.requests)
        self.complexity = _share(headers, "complexity", self.complexity)
        self.cost = _number(headers.get("x-complexity"), self.cost)


def _share(headers: Mapping[str, str], bucket: str, known: float) -> float:
    limit = _number(headers.get(f"x-ratelimit-{bucket}-limit"), None)
    left = _number(headers.get(f"x-ratelimit-{bucket}-remaining"), None)
    if not limit or left is None or limit < 0:
        return known
    return min(max(left / limit, 0.0), 1.0)


def _number(text: str | None, known: float | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return known
