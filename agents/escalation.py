"""Whom to turn to when something goes wrong: the four levels, decided by typed errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from neveridle.errors import (
    AccessRefused,
    ApprovalDenied,
    CredentialsRejected,
    ErrorCategory,
    NeveridleError,
    ServiceUnavailable,
)

if TYPE_CHECKING:
    from neveridle.settings import Settings


class EscalationLevel(StrEnum):
    """Who acts; each level calls somebody further away from the work."""

    SELF_HEAL = "SELF_HEAL"
    """The agent alone: it waits, corrects its input, or tries anew."""
    PEER_ASSIST = "PEER_ASSIST"
    """Another agent that has the skills."""
    HUMAN_ALERT = "HUMAN_ALERT"
    """A person, through the inbox."""
    EMERGENCY = "EMERGENCY"
    """Whoever is on call, through a webhook or a command."""

    @property
    def calls_people(self) -> bool:
        """Whether it puts something into the inbox."""
        return self in (EscalationLevel.HUMAN_ALERT, EscalationLevel.EMERGENCY)


BUG: Final = "bug"
"""The code of an error that is none of ours: another agent would meet the same."""
AUTHENTICATION: Final = frozenset({CredentialsRejected.code, AccessRefused.code})
NOT_FOR_PEERS: Final = frozenset({BUG, ApprovalDenied.code})
"""Failures that a peer is not asked about: it is not for agents to go round a person's no."""
DOWN: Final = frozenset({ServiceUnavailable.code, *AUTHENTICATION})
"""What says that a service cannot be used at all: its breaker is open, or it is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What went wrong.

    Attributes:
        code: the stable code of the error, or of what it is an alert about.
        category: how the team responds to it.
        service: for whose sake; empty: for nobody's.
        down: whether that service's breaker is known not to be closed.
    """

    code: str
    category: ErrorCategory
    service: str = ""
    down: bool = False

    @classmethod
    def of(cls, error: type[NeveridleError] | NeveridleError, *, service: str = "") -> Trouble:
        """An error, or a kind of error."""
        return cls(
            code=error.code,
            category=error.category,
            service=service or str(getattr(error, "service", "")),
        )

    @classmethod
    def of_problem(cls, problem: Mapping[str, Any]) -> Trouble:
        """An error as it travels in a tick's state: code, category, and service if there is one."""
        return cls(
            code=str(problem["code"]),
            category=ErrorCategory(problem["category"]),
            service=str(problem.get("service", "")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the operator configured.

    Attributes:
        attempts: failed attempts after which an agent has tried often enough.
        levels: levels in place of the built-in ones, by an error's code or category.
        emergency: services whose outage is an emergency.
    """

    attempts: int = 3
    levels: Mapping[str, EscalationLevel] = field(default_factory=dict[str, EscalationLevel])
    emergency: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """As the settings say."""
        said = settings.escalation
        return cls(
            attempts=settings.limits.attempts,
            levels={name: EscalationLevel(level) for name, level in said.levels.items()},
            emergency=frozenset(one.strip().lower() for one in said.emergency),
        )


def level_of(trouble: Trouble, *, failures: int, rules: Rules) -> EscalationLevel:
    """Whom to turn to.

    What is configured says *whom*, not *when*: a task's failures are the agent's own affair
    until it has used up its attempts, and an outage is waited for.

    Args:
        trouble: what went wrong.
        failures: failed attempts at the task that count against it, this one included; 0:
            it is not about a task's attempts.
        rules: what the operator configured.
    """
    if trouble.service in rules.emergency and (trouble.down or trouble.code in DOWN):
        return EscalationLevel.EMERGENCY
    chosen = rules.levels.get(trouble.code) or rules.levels.get(str(trouble.category))
    for_peers = trouble.category is ErrorCategory.RECOVERABLE and not trouble.service
    if chosen is EscalationLevel.PEER_ASSIST and not for_peers:
        chosen = EscalationLevel.HUMAN_ALERT  # a peer would meet the same
    match trouble.category:
        case ErrorCategory.RECOVERABLE:
            if failures < rules.attempts:
                return EscalationLevel.SELF_HEAL
            peer = for_peers and trouble.code not in NOT_FOR_PEERS
            return chosen or (EscalationLevel.PEER_ASSIST if peer else EscalationLevel.HUMAN_ALERT)
        case ErrorCategory.TRANSIENT:
            return chosen or EscalationLevel.SELF_HEAL
        case ErrorCategory.BLOCKING if trouble.code == ServiceUnavailable.code:
            return chosen or EscalationLevel.SELF_HEAL
        case ErrorCategory.BLOCKING | ErrorCategory.FATAL:
            return chosen or EscalationLevel.HUMAN_ALERT


def category_of(code: str) -> ErrorCategory:
    """The category of an error's code; of one that is not known: blocking, so that people see it.

    ``bug`` is recoverable, as ``problem_of`` in the graph has it.
    """
    left: list[type[NeveridleError]] = [NeveridleError]
    while left:
        kind = left.pop()
        if kind.code == code:
            return kind.category
        left += kind.__subclasses__()
    return ErrorCategory.RECOVERABLE if code == BUG else ErrorCategory.BLOCKING
