"""What the model did wrong, or has to do differently: it is told and may try again."""

from __future__ import annotations

from neveridle.errors.base import ErrorCategory, NeveridleError


class ModelMistake(NeveridleError):
    """The model did something that cannot work; it is told and may try again."""

    code = "model-mistake"
    category = ErrorCategory.RECOVERABLE


class PathEscape(ModelMistake):
    """A path leads out of the workspace (``..``, absolute, or through a link)."""

    code = "path-escape"


class EditRejected(ModelMistake):
    """An edit does not fit the file it names."""

    code = "edit-rejected"


class OutcomeInvalid(ModelMistake):
    """The answer that should end an attempt is not a valid ``TaskOutcome``."""

    code = "outcome-invalid"


class LimitReached(ModelMistake):
    """The attempt used up its model calls, its tool calls or its time."""

    code = "limit-reached"


class NoProgress(LimitReached):
    """No model call and no tool call of the attempt finished for too long."""

    code = "no-progress"


class Stuck(LimitReached):
    """The attempt goes round in circles, also after it was told so once.

    Args:
        message: what happened.
        remedy: what to do next.
        evidence: what shows it, as plain JSON.
    """

    code = "stuck"

    def __init__(self, message: str, *, remedy: str = "", evidence: object = None) -> None:
        super().__init__(message, remedy=remedy)
        self.evidence = evidence


class HandoffRefused(ModelMistake):
    """Agents hand a piece of work round, and nothing comes of it.

    Args:
        message: what happened, with the agents it went through.
        remedy: what to do next.
        evidence: the chain of handoffs, as plain JSON.
    """

    code = "handoff-refused"

    def __init__(self, message: str, *, remedy: str = "", evidence: object = None) -> None:
        super().__init__(message, remedy=remedy)
        self.evidence = evidence


class ApprovalDenied(ModelMistake):
    """A person was asked first, and said no."""

    code = "approval-denied"


class WorkRefused(ModelMistake):
    """The checks do not pass, or nothing was changed, whatever the model said."""

    code = "work-refused"


class RequestRefused(ModelMistake):
    """A service refused a request for good (a 404, a 422): asking again does not help.

    Args:
        message: what happened.
        remedy: what to do next.
        status: the HTTP status; 0: there was none, as with GraphQL errors inside a 200.
        data: what the service said, as plain JSON, for programs.
    """

    code = "request-refused"

    def __init__(
        self, message: str, *, remedy: str = "", status: int = 0, data: object = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.data = data


class EffectRefused(RequestRefused):
    """A service refused a write for good (a 4xx): it was not done."""

    code = "effect-refused"


class MergeConflict(ModelMistake):
    """The work conflicts with what was merged while it was being done."""

    code = "merge-conflict"
