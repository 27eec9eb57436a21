"""How models are recorded and replayed, where that differs from the ordinary."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaying:
    """How models are recorded and replayed.

    Attributes:
        wait: in simulated time, takes the seconds that a call took, live or recorded (0: it was
            authored); None: time is real, and recorded answers come at once.
        lenient: whether the nearest recorded call answers where none fits exactly.
    """

    wait: Callable[[float], Awaitable[None]] | None = None
    lenient: bool = False
