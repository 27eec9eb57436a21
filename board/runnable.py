"""What is runnable just now, as far as it takes to tell who could do it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Runnable:
    """A task that somebody could claim.

    Attributes:
        id: the task.
        source: the rung that finds it.
        assignee: who alone may take it; None: anybody who can.
        skills: what it takes.
    """

    id: int
    source: str
    assignee: str | None
    skills: frozenset[str]

    def suits(self, agent: str, skills: Collection[str]) -> bool:
        """Whether an agent with these skills may take it."""
        return self.assignee in (None, agent) and self.skills.issubset(skills)
