"""How often, and how late, a call is repeated."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter, as in the source document: base * 2^n, up to doubled.

    Attributes:
        attempts: calls at most, the first included.
        base: seconds before the second call, without jitter.
        longest: seconds between two calls at most before jitter, unless the service asks
            for more.
        total: seconds for all calls and the waits between them; a wait that would end later
            is not begun.
    """

    attempts: int = 5
    base: float = 1.0
    longest: float = 60.0
    total: float = 120.0

    def delay(self, failed: int, chance: float, asked: float | None = None) -> float:
        """Seconds to wait after so many calls failed.

        Args:
            failed: calls so far, at least 1.
            chance: a random number from 0 to 1, which spreads those who failed together.
            asked: seconds for which the service wants to be left alone: it is neither
                called before, nor by all at that instant. None: it did not say.
        """
        if asked is not None:
            return asked + self.base * chance
        return min(self.base * 2.0 ** min(failed - 1, 62), self.longest) * (1.0 + chance)
