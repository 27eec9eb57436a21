"""The errors neveridle raises, split by who must act.

::

    NeveridleError
    ├── ModelMistake            the model: try again, differently          RECOVERABLE
    │   ├── PathEscape          a path that leaves the workspace
    │   ├── EditRejected        an edit that does not fit the file
    │   ├── OutcomeInvalid      an answer that is no TaskOutcome
    │   ├── LimitReached        the attempt used up its calls or its time
    │   │   └── NoProgress      nothing finished for too long
    │   ├── WorkRefused         verify did not find what the work claimed
    │   ├── RequestRefused      a service said no to what was asked of it
    │   │   └── EffectRefused   it said no to a write
    │   └── MergeConflict       the work does not fit what others merged meanwhile
    ├── OperatorError           the operator: configure or repair          BLOCKING
    │   ├── SettingsInvalid     neveridle.toml
    │   ├── SoulInvalid         agents/<name>.md
    │   ├── RoadmapInvalid      ROADMAP.md cannot be read
    │   ├── ImportInvalid       a file of issues cannot be read
    │   ├── RecordingInvalid    a recording that cannot be read
    │   ├── RecordingMismatch   a request the recording does not hold
    │   ├── DatasetInvalid      a file of conversations and questions cannot be read
    │   ├── ModelNotConfigured  no model is set, or its name is not known
    │   ├── ExtraMissing        an optional dependency is not installed
    │   ├── RepositoryUnusable  no git, no repository, dirty, detached
    │   ├── SandboxMissing      delivery needs a sandbox and there is none
    │   ├── StageTaken          the folder of a recorded task is not ours to use
    │   ├── BoardUnusable       the board cannot be opened or written
    │   ├── MemoryUnusable      the memory index cannot be opened or built
    │   ├── AccessRefused       a service does not take our credentials
    │   ├── EffectStuck         nobody here can find out whether a write was done
    │   └── DiskFull            no space is left for board or workspace
    ├── ServiceError            the service: wait                          TRANSIENT
    │   ├── ServiceUnreached    certainly nothing was done
    │   │   ├── RateLimited     the service said when to come back
    │   │   └── ServiceUnavailable  its breaker is open, or it is held  BLOCKING
    │   ├── EffectUnsettled     whether a write was done is not known yet
    │   └── CredentialsRejected the operator, though the service said it   FATAL
    └── CoordinationError       nobody: somebody else was there first      RECOVERABLE
        ├── LeaseLost           the attempt's lease expired or was taken over
        ├── NotFound            no such task, handoff, agent
        ├── DependencyCycle     an edge that would close a circle
        └── StateConflict       the task is not in a state that allows it

Every class has a stable ``code``, a docs link made from it, and a message that
says what to do next (``remedy``).
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

DOCS = "docs/errors.md"
"""Where each code is explained, in this repository and in the published documentation."""


class ErrorCategory(StrEnum):
    """How the team responds to an error; see ``docs/concepts.md``."""

    TRANSIENT = "transient"
    RECOVERABLE = "recoverable"
    BLOCKING = "blocking"
    FATAL = "fatal"


class NeveridleError(Exception):
    """Base of all errors raised by neveridle.

    Args:
        message: what happened, in one sentence.
        remedy: what to do next; empty when the message already says it.
    """

    code: ClassVar[str] = "error"
    category: ClassVar[ErrorCategory] = ErrorCategory.BLOCKING
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    @property
    def docs(self) -> str:
        """Where this kind of error is explained."""
        return f"{DOCS}#{self.code}"

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


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


class OperatorError(NeveridleError):
    """Something the person who runs the team must configure or repair."""

    code = "operator"
    exit_code = 2


class SettingsInvalid(OperatorError):
    """``neveridle.toml`` (or a ``NEVERIDLE_…`` variable) is broken."""

    code = "settings-invalid"


class SoulInvalid(OperatorError):
    """A soul file (``agents/<name>.md``) is broken."""

    code = "soul-invalid"


class RoadmapInvalid(OperatorError):
    """The roadmap cannot be read."""

    code = "roadmap-invalid"


class ImportInvalid(OperatorError):
    """A file of issues or memories cannot be imported, or written."""

    code = "import-invalid"


class RecordingInvalid(OperatorError):
    """A recording cannot be read."""

    code = "recording-invalid"


class RecordingMismatch(OperatorError):
    """A replayed run asked something the recording does not hold."""

    code = "recording-mismatch"


class DatasetInvalid(OperatorError):
    """A file with a benchmark's conversations and questions cannot be read."""

    code = "dataset-invalid"


class ModelNotConfigured(OperatorError):
    """No model is set for this purpose, or its name is not understood."""

    code = "model-not-configured"


class ExtraMissing(OperatorError):
    """An optional dependency is needed and not installed."""

    code = "extra-missing"


class RepositoryUnusable(OperatorError):
    """The git repository cannot be worked on as it stands."""

    code = "repository-unusable"


class SandboxMissing(OperatorError):
    """The configured delivery needs a sandbox and this machine has none."""

    code = "sandbox-missing"


class StageTaken(OperatorError):
    """The folder for playing a recorded task holds something else, or cannot be written."""

    code = "stage-taken"


class BoardUnusable(OperatorError):
    """The board's database cannot be opened, read or written."""

    code = "board-unusable"


class MemoryUnusable(OperatorError):
    """The folder of the memory index cannot be used."""

    code = "memory-unusable"


class AccessRefused(OperatorError):
    """A service rejects our credentials, or what they may do; nothing was done.

    Args:
        message: what happened.
        remedy: what to do next.
        rejected: whether the credentials themselves were rejected: then the service is held
            until a person has acted. Else they may not do this one thing.
        service: whose refusal it is; empty: not said.
    """

    code = "access-refused"

    def __init__(
        self, message: str, *, remedy: str = "", rejected: bool = False, service: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.rejected = rejected
        self.service = service


class EffectStuck(OperatorError):
    """Whether a write to a service was done cannot be found out here: a person must say."""

    code = "effect-stuck"


class DiskFull(OperatorError):
    """No space is left on the disk that holds the board or the workspace."""

    code = "disk-full"


class ServiceError(NeveridleError):
    """An outside service (or model provider) failed; waiting may help.

    Of a write that ended so nobody knows whether it was done; see ``ServiceUnreached``.

    Args:
        message: what happened.
        remedy: what to do next.
        service: whose failure it is; empty: not said.
        wait: seconds after which the service wants to be asked again; None: it did not say.
        health: whether it counts against the service's health. A service that limits us, or
            refuses, is well.
    """

    code = "service"
    category = ErrorCategory.TRANSIENT
    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        service: str = "",
        wait: float | None = None,
        health: bool = True,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.service = service
        self.wait = wait
        self.health = health


class ServiceUnreached(ServiceError):
    """The service could not be reached, or sent us away: certainly nothing was done."""

    code = "service-unreached"


class RateLimited(ServiceUnreached):
    """The service limits us, and was not asked; ``wait`` says for how long."""

    code = "rate-limited"


class ServiceUnavailable(ServiceUnreached):
    """The service's breaker is open, or it is held: it was not asked.

    Work that needs it goes back to the board until the service can be used again.
    """

    code = "service-unavailable"
    category = ErrorCategory.BLOCKING


class EffectUnsettled(ServiceError):
    """Whether a write was done is not known yet; it is asked before work goes on."""

    code = "effect-unsettled"


class CredentialsRejected(ServiceError):
    """A service refused the credentials; waiting does not help."""

    code = "credentials-rejected"
    category = ErrorCategory.FATAL


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
