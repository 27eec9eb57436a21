"""Learning: lessons, which of them say the same, and their consolidation."""

from __future__ import annotations

from neveridle.memory.learning.learning import (
    LEARNING_SCHEMA,
    Learning,
    learning_from,
    learning_text,
)
from neveridle.memory.learning.twins import core, says_the_same

__all__ = [
    "LEARNING_SCHEMA",
    "Learning",
    "core",
    "learning_from",
    "learning_text",
    "says_the_same",
]
