"""An attempt: one agent's try at one task, owned by a lease, told apart by its fence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from neveridle.board.task import Task
from neveridle.errors import LeaseLost


class Phase(StrEnum):
    """How far an attempt has durably come; a resumed attempt goes on from here."""

    CLAIMED = "claimed"
    WORKED = "worked"
    VERIFIED = "verified"
    DELIVERED = "delivered"
    REFLECTED = "reflected"


class AttemptState(StrEnum):
    """How an attempt stands or ended."""

    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    BLOCKED = "blocked"
    HANDED_OFF = "handed_off"
    PARKED = "parked"
    RELEASED = "released"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


RESUMABLE = (AttemptState.PARKED, AttemptState.RELEASED, AttemptState.EXPIRED, AttemptState.BLOCKED)
"""An attempt that ended so did not fail: the next one resumes it, with its phase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt as it stands on the board.

    Attributes:
        fence: rises by one with each attempt at the task; a write with a stale one is refused.
        number: which try this is, from 1; a resumed attempt keeps the number it resumes.
        resumes: the fence of the attempt it resumes; None: it starts afresh.
        lease_until: when ownership ends unless renewed.
        commit: the commit that holds its work; empty before there is one.
        outcome: the worker's outcome, once there is one.
        evidence: what verify saw.
    """

    task_id: int
    fence: int
    run: str
    agent: str
    number: int
    resumes: int | None
    phase: Phase
    state: AttemptState
    lease_until: float
    started_at: float
    ended_at: float | None
    branch: str
    base: str
    commit: str
    outcome: dict[str, Any] | None
    evidence: dict[str, Any] | None
    error_code: str
    error: str

    @property
    def thread(self) -> str:
        """The id of its durable thread, and of its workspace's folder once made a name."""
        return thread_of(self.task_id, self.fence)


def thread_of(task: int, fence: int) -> str:
    """The durable thread of an attempt: one per attempt, so no other can overwrite it."""
    return f"{task}:{fence}"


def lease_lost(task: int, fence: int) -> LeaseLost:
    """The error of a write whose fence is stale."""
    return LeaseLost(
        f"Attempt {thread_of(task, fence)} does not own its task any more.",
        remedy="Its lease expired or it was taken over; its work is stopped and changes nothing.",
    )


@dataclass(frozen=True, slots=True)
class Claim:
    """What a won claim gives: the task, the new attempt, and the one before it."""

    task: Task
    attempt: Attempt
    previous: Attempt | None
