"""When something happens in a play: at a time, or once the board's log says something."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Table(BaseModel):
    """A table of ``task.toml`` that takes no key it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Trigger(Table):
    """When it happens. With neither ``at`` nor ``on``: at the start.

    Attributes:
        at: simulated seconds since the run began.
        on: an event of the board's log, as a pattern (``task.completed``, ``attempt.*``).
        nth: which of those events, from 1; 0: each of them.
        task: only events of tasks of this title or key (``dispatch:1``), as a pattern.
        agent: only events of this agent, as a pattern.
        after: simulated seconds that pass between that event, or the start, and this.
        may: whether it is right that it never happens: a run does not wait for its time.
    """

    at: float | None = Field(default=None, ge=0)
    on: str = ""
    nth: int = Field(default=1, ge=0)
    task: str = "*"
    agent: str = "*"
    after: float = Field(default=0.0, ge=0)
    may: bool = False

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if self.at is not None and self.on:
            msg = "give `at` or `on`, not both"
            raise ValueError(msg)
        return self

    def hears(self, kind: str, *, names: tuple[str, ...], agent: str) -> bool:
        """Whether an event is one that it waits for.

        Args:
            kind: the event's.
            names: title and key of the event's task.
            agent: the event's; empty: nobody's.
        """
        return (
            bool(self.on)
            and fnmatchcase(kind, self.on)
            and fits(self.task, *names)
            and fits(self.agent, agent)
        )


def fits(pattern: str, *names: str) -> bool:
    """Whether one of some names is what a pattern (``*``, ``?``) asks for, in any case."""
    return pattern == "*" or any(fnmatchcase(one.lower(), pattern.lower()) for one in names)
