"""What nobody did wrong: somebody else was there first."""

from __future__ import annotations

from neveridle.errors.base import ErrorCategory, NeveridleError


class CoordinationError(NeveridleError):
    """Another run, or a person, was there first."""

    code = "coordination"
    category = ErrorCategory.RECOVERABLE
    exit_code = 4


class LeaseLost(CoordinationError):
    """The attempt no longer owns its task: its lease expired or was taken over."""

    code = "lease-lost"


class NotFound(CoordinationError):
    """There is no such task, handoff or agent."""

    code = "not-found"


class DependencyCycle(CoordinationError):
    """The dependency would close a circle; the message shows it."""

    code = "dependency-cycle"


class StateConflict(CoordinationError):
    """The task's state does not allow this."""

    code = "state-conflict"
