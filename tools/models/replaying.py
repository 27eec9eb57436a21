"""How recordings of models are replayed, where that differs from the ordinary."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaying:
    """How recordings are replayed.

    Attributes:
        wait: takes the seconds that a recorded call took (0: it was authored); None: answers
            come at once.
        lenient: whether the nearest recorded call answers where none fits exactly.
    """

    wait: Callable[[float], Awaitable[None]] | None = None
    lenient: bool = False
