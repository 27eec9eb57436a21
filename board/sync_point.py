"""A sync point: where agents who work in parallel meet before the next phase begins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from neveridle.board.task import Priority


class Policy(StrEnum):
    """What happens when the deadline comes and somebody has not checked in as ready."""

    FAIL = "fail"
    """The point fails; the next phase is held for a person to decide on."""
    GO_ON = "go_on"
    """The next phase begins without the missing, and its text says who they are and why."""
    SUBSTITUTE = "substitute"
    """Declared substitutes take the places of the missing, with one further deadline."""


class PointState(StrEnum):
    """How a sync point stands; all but ``open`` are final."""

    OPEN = "open"
    RELEASED = "released"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Standing(StrEnum):
    """How the one in a place stands."""

    EXPECTED = "expected"
    READY = "ready"
    BLOCKED = "blocked"
    MISSED = "missed"
    """The deadline passed before it was ready, and the point was closed without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextPhase:
    """The dispatch that the integration lead gets when a sync point is released.

    Attributes:
        title: what to do, in a line.
        description: what to do, at length; what came in is added to it.
        skills: the lead must have all of these, or can never take it up.
        acceptance: commands that must succeed before the work counts as done.
        needs_change: whether work that changes no file can be right.
    """

    title: str
    description: str = ""
    priority: Priority = Priority.HIGH
    ticket: str = ""
    skills: tuple[str, ...] = ()
    acceptance: tuple[str, ...] = ()
    needs_change: bool = True

    def as_dict(self) -> dict[str, Any]:
        """As stored and as printed by ``--json``."""
        import dataclasses

        return {**dataclasses.asdict(self), "priority": self.priority.name.lower()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> NextPhase:
        """The phase stored by ``as_dict``."""
        return cls(
            title=str(data["title"]),
            description=str(data["description"]),
            priority=Priority.parse(str(data["priority"])),
            ticket=str(data["ticket"]),
            skills=tuple(str(one) for one in data["skills"]),
            acceptance=tuple(str(one) for one in data["acceptance"]),
            needs_change=bool(data["needs_change"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place at a sync point, and how the one in it stands.

    Attributes:
        participant: whose place it is, as declared.
        agent: who has to check in for it: the participant, or a substitute.
        reason: why it is blocked; of one that is missed, why it was blocked then.
        said_by: the task whose end was the check-in; None: the agent or a person said it.
        tasks: the tasks whose completion is the check-in; empty: somebody has to say it.
        at: when it last changed, by the board's clock; None: never.
    """

    participant: str
    agent: str
    status: Standing
    reason: str
    said_by: int | None
    tasks: tuple[int, ...]
    at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPoint:
    """A sync point as it stands on the board; times are seconds since 1970, by its clock.

    Attributes:
        lead: who gets the next phase.
        substitutes: who takes whose place, by participant.
        deadline: when the policy is applied.
        period: seconds from the beginning to the first deadline, and to a second one.
        dispatch_id: the task of the next phase; of a failed point, held for a person.
        reason: why it failed or was cancelled.
        places: in the order in which the participants were declared.
    """

    id: int
    name: str
    description: str
    lead: str
    next_phase: NextPhase
    policy: Policy
    substitutes: dict[str, str]
    deadline: float
    period: float
    state: PointState
    dispatch_id: int | None
    reason: str
    created_at: float
    closed_at: float | None
    places: tuple[Place, ...]

    @property
    def missing(self) -> tuple[Place, ...]:
        """The places of those who are not ready."""
        return tuple(place for place in self.places if place.status is not Standing.READY)

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        import dataclasses

        return {**dataclasses.asdict(self), "next_phase": self.next_phase.as_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedIn:
    """The answer to a check-in.

    Attributes:
        point: the point as it stands now.
        changed: whether this check-in changed anything.
        released: whether this check-in was the one that released the point.
        answer: what became of it, in a sentence.
    """

    point: SyncPoint
    changed: bool
    released: bool
    answer: str
