"""Why a task cannot be claimed now, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from neveridle.board.task import Task

DEAD = ("failed", "cancelled")
"""States in which a task holds up those that wait for it until a person acts."""

RECORD = "beads:type "
"""How ``waiting_on`` begins of what was imported and is no work; see ``beads.rule``."""


class Hindrance(StrEnum):
    """What kind of thing is in the way."""

    DEPENDENCY = "dependency"
    SERVICE = "service"
    SKILLS = "skills"
    ASSIGNEE = "assignee"
    WAITING = "waiting"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason why a task cannot be claimed now.

    Attributes:
        kind: what kind of thing is in the way.
        why: in words.
        do: what a person can do about it; empty: nothing has to be done.
        on: the task that it waits for.
        state: that one's state.
        through: the task it is part of and because of which it waits; None: it waits itself.
        until: when this is over by itself, in seconds since 1970; None: it is not known.
    """

    kind: Hindrance
    why: str
    do: str = ""
    on: int | None = None
    state: str | None = None
    through: int | None = None
    until: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        import dataclasses

        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class HeldUp:
    """A task that cannot be claimed now, and why.

    Attributes:
        root: the task at the root of it that no time will change: failed, cancelled, or
            blocked for a person; None: what is in the way may go away by itself.
    """

    task: Task
    reasons: tuple[Reason, ...]
    root: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        reasons = [reason.as_dict() for reason in self.reasons]
        return {**self.task.as_dict(), "reasons": reasons, "stuck": self.root is not None,
                "root": self.root}  # fmt: skip


def by_dependency(task: int, on: int, state: str, through: int | None) -> Reason:
    """Why a task waits for another one."""
    why = f"waits for #{on}, which is {state.replace('_', ' ')}"
    if through is not None:
        why += f", as it is part of #{through}"
    do = ""
    if state in (*DEAD, "blocked"):
        do = f"`neveridle tasks retry {on}`"
    if state in DEAD:
        do += f", or go on without it: `neveridle tasks release {through or task} --on {on}`"
    return Reason(kind=Hindrance.DEPENDENCY, why=why, do=do, on=on, state=state, through=through)


def by_state(task: Task) -> Reason | None:
    """Why a task waits or is blocked by itself; None: it does not, and is not."""
    if task.state == "blocked":
        why = f"{task.blocked_owner}: {task.blocked_action}"
        return Reason(kind=Hindrance.BLOCKED, why=why, do=f"then `neveridle tasks retry {task.id}`")
    if task.state != "waiting":
        return None
    handed = task.waiting_on.removeprefix("task:")
    if handed != task.waiting_on:
        why = f"was handed over: #{handed} goes on with it"
        return Reason(kind=Hindrance.WAITING, why=why, on=int(handed))
    do = "" if task.waiting_until is not None else f"`neveridle tasks retry {task.id}` takes it up"
    outside = task.waiting_on.removeprefix("beads:")
    why = f"waits on {task.waiting_on or 'something'}"
    if outside != task.waiting_on:
        why = f"in Beads: {outside.replace('_', ' ')}"
    return Reason(kind=Hindrance.WAITING, why=why, do=do, until=task.waiting_until)
