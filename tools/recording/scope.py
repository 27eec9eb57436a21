"""Who asks a model."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """Who asks: what an authored recording is keyed by.

    Args:
        task: the task's stable key, such as ``roadmap:export-csv`` or ``dispatch:1``.
        attempt: the try of the task that counts as a new one, from 1; an attempt resumed
            after a crash keeps its number.
        purpose: ``work`` or ``learn``.
        agent: the agent's name; it names who asked and is no part of an authored key.
    """

    task: str
    attempt: int
    purpose: str
    agent: str = ""

    def __str__(self) -> str:
        return f"task {self.task!r}, attempt {self.attempt}, purpose {self.purpose!r}"

    def as_dict(self) -> dict[str, str | int]:
        """The scope as it stands in a recording."""
        return asdict(self)
