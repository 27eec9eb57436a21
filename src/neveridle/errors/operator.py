"""What a person who runs the team must configure or repair."""

from __future__ import annotations

from neveridle.errors.base import ErrorCategory, NeveridleError


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


class ResultsInvalid(OperatorError):
    """A file of eval results cannot be read, or is of another format or version."""

    code = "results-invalid"


class DatasetInvalid(OperatorError):
    """A file with a benchmark's conversations and questions cannot be read."""

    code = "dataset-invalid"


class ToolsUnusable(OperatorError):
    """Tools that a recorded run is replayed with are missing, or cannot be used."""

    code = "tools-unusable"


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


class BudgetReached(OperatorError):
    """A budget has no room for the worst case of the next call of a model; it was not made.

    Args:
        message: what happened.
        remedy: what to do next.
        scope: whose budget, such as ``day`` or ``agent:sam``; see ``neveridle.board.budget``.
        until: when its window ends, by the board's clock; None: not by itself.
    """

    code = "budget-reached"

    def __init__(
        self, message: str, *, remedy: str = "", scope: str = "", until: float | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.scope = scope
        self.until = until


class DiskFull(OperatorError):
    """No space is left on the disk that holds the board or the workspace."""

    code = "disk-full"


class StateCorrupted(NeveridleError):
    """What neveridle wrote itself cannot be read any more; whoever needs it stops.

    Args:
        message: what happened.
        remedy: what to do next.
        task: the task whose state it is; None: not known.
    """

    code = "state-corrupted"
    category = ErrorCategory.FATAL
    exit_code = 2

    def __init__(self, message: str, *, remedy: str = "", task: int | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.task = task
