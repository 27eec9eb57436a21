"""A task: a unit of work on the board."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from neveridle.errors import StateConflict


class Source(StrEnum):
    """The rung a task comes from, in the order the rungs are looked at."""

    DISPATCH = "dispatch"
    BACKLOG = "backlog"
    ROADMAP = "roadmap"
    IMPROVEMENT = "improvement"


class TaskState(StrEnum):
    """Where a task stands."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_STATES = (TaskState.PENDING, TaskState.IN_PROGRESS, TaskState.WAITING, TaskState.BLOCKED)

REOPENING = "reopening"
"""``waiting_on`` of a cancelled task whose item was closed at its source: it comes back when
the item is open again."""


class Priority(IntEnum):
    """Higher numbers are claimed first."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    URGENT = 3

    @classmethod
    def parse(cls, word: str) -> Priority:
        """The priority a person wrote, in any case.

        Raises:
            StateConflict: naming the four words.
        """
        try:
            return cls[word.strip().upper()]
        except KeyError:
            msg = f"'{word}' is no priority."
            raise StateConflict(msg, remedy="Use low, normal, high or urgent.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """What is said of a task when it is put on the board.

    Attributes:
        ref: where it comes from, unique on the board; the same ref never becomes two
            tasks. None: nothing to tell it by.
        assignee: the agent it is addressed to; None: whoever has the skills.
        skills: all of these an agent must have.
        services: outside services the work needs.
        after: ids of tasks that must be completed first.
        acceptance: commands that must succeed before the work counts as done.
        needs_change: whether work that changes no file can be right.
        budget: caps of this task alone, such as ``{"model_calls": 20}``; empty: the team's.
        continues: the task whose handoff this one continues.
        sync: the name of the sync point at which its completion is its assignee's check-in.
    """

    source: Source
    title: str
    description: str = ""
    ref: str | None = None
    ticket: str = ""
    priority: Priority = Priority.NORMAL
    assignee: str | None = None
    skills: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    after: tuple[int, ...] = ()
    acceptance: tuple[str, ...] = ()
    needs_change: bool = True
    budget: dict[str, float] = field(default_factory=dict[str, float])
    continues: int | None = None
    sync: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as it stands on the board; times are seconds since 1970, by the board's clock.

    Attributes:
        open_blockers: how many tasks it waits for are not completed.
        unblocks: how many open tasks wait for it.
        fence: the number of its latest attempt; 0: never claimed.
        failures: failed attempts so far.
        handoff: the id of the handoff it continues.
    """

    id: int
    source: Source
    ref: str | None
    ticket: str
    title: str
    description: str
    priority: Priority
    assignee: str | None
    state: TaskState
    waiting_on: str
    waiting_until: float | None
    blocked_owner: str
    blocked_action: str
    skills: tuple[str, ...]
    services: tuple[str, ...]
    acceptance: tuple[str, ...]
    needs_change: bool
    budget: dict[str, float]
    open_blockers: int
    unblocks: int
    fence: int
    failures: int
    continues: int | None
    handoff: int | None
    created_at: float
    updated_at: float
    completed_at: float | None

    @property
    def key(self) -> str:
        """A name that is the same on every board: what authored recordings are keyed by."""
        if self.ref is None or self.source is Source.IMPROVEMENT:  # its ref is a hash
            return f"{self.source}:{slug(self.title)}"
        return self.ref

    @property
    def runnable(self) -> bool:
        """Whether it could be claimed now, by somebody."""
        return self.state is TaskState.PENDING and self.open_blockers == 0

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        import dataclasses

        data = dataclasses.asdict(self)
        data["priority"] = self.priority.name.lower()
        data["key"] = self.key
        return data


def slug(text: str, *, limit: int = 48) -> str:
    """``text`` in lower case letters, digits and hyphens, for names of branches and keys."""
    import re
    import unicodedata

    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    if len(words) > limit:
        words = words[:limit].rsplit("-", 1)[0].strip("-") or words[:limit]
    return words or "task"
