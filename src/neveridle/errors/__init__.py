"""The errors neveridle raises, split by who must act.

::

    NeveridleError
    ├── ModelMistake            the model: try again, differently          RECOVERABLE
    │   ├── PathEscape          a path that leaves the workspace
    │   ├── EditRejected        an edit that does not fit the file
    │   ├── OutcomeInvalid      an answer that is no TaskOutcome
    │   ├── LimitReached        the attempt used up its calls or its time
    │   │   ├── NoProgress      nothing finished for too long
    │   │   └── Stuck           the same again and again, also after it was told
    │   ├── WorkRefused         verify did not find what the work claimed
    │   ├── RequestRefused      a service said no to what was asked of it
    │   │   └── EffectRefused   it said no to a write
    │   ├── HandoffRefused      agents hand work round, and nothing comes of it
    │   ├── ApprovalDenied      a person said no to what was to be done
    │   └── MergeConflict       the work does not fit what others merged meanwhile
    ├── OperatorError           the operator: configure or repair          BLOCKING
    │   ├── SettingsInvalid     neveridle.toml
    │   ├── SoulInvalid         agents/<name>.md
    │   ├── RoadmapInvalid      ROADMAP.md cannot be read
    │   ├── ImportInvalid       a file of issues cannot be read
    │   ├── RecordingInvalid    a recording that cannot be read
    │   ├── RecordingMismatch   a request the recording does not hold
    │   ├── ResultsInvalid      a file of eval results cannot be read
    │   ├── DatasetInvalid      a file of conversations and questions cannot be read
    │   ├── ToolsUnusable       tools that a recorded run is replayed with
    │   ├── ModelNotConfigured  no model is set, or its name is not known
    │   ├── ExtraMissing        an optional dependency is not installed
    │   ├── RepositoryUnusable  no git, no repository, dirty, detached
    │   ├── SandboxMissing      delivery needs a sandbox and there is none
    │   ├── StageTaken          the folder of a recorded task is not ours to use
    │   ├── BoardUnusable       the board cannot be opened or written
    │   ├── MemoryUnusable      the memory index cannot be opened or built
    │   ├── AccessRefused       a service does not take our credentials
    │   ├── BudgetReached       a cap on tokens or money leaves no room for the next call
    │   ├── EffectStuck         nobody here can find out whether a write was done
    │   └── DiskFull            no space is left for board or workspace
    ├── ServiceError            the service: wait                          TRANSIENT
    │   ├── ServiceUnreached    certainly nothing was done
    │   │   ├── RateLimited     the service said when to come back
    │   │   └── ServiceUnavailable  its breaker is open, or it is held  BLOCKING
    │   ├── EffectUnsettled     whether a write was done is not known yet
    │   └── CredentialsRejected the operator, though the service said it   FATAL
    ├── StateCorrupted          the operator: what was written cannot be read   FATAL
    └── CoordinationError       nobody: somebody else was there first      RECOVERABLE
        ├── LeaseLost           the attempt's lease expired or was taken over
        ├── NotFound            no such task, handoff, agent
        ├── DependencyCycle     an edge that would close a circle
        └── StateConflict       the task is not in a state that allows it

Every class has a stable ``code``, a docs link made from it, and a message that
says what to do next (``remedy``).
"""

from __future__ import annotations

from neveridle.errors.base import (
    DOCS,
    ErrorCategory,
    NeveridleError,
)
from neveridle.errors.coordination import (
    CoordinationError,
    DependencyCycle,
    LeaseLost,
    NotFound,
    StateConflict,
)
from neveridle.errors.mistakes import (
    ApprovalDenied,
    EditRejected,
    EffectRefused,
    HandoffRefused,
    LimitReached,
    MergeConflict,
    ModelMistake,
    NoProgress,
    OutcomeInvalid,
    PathEscape,
    RequestRefused,
    Stuck,
    WorkRefused,
)
from neveridle.errors.operator import (
    AccessRefused,
    BoardUnusable,
    BudgetReached,
    DatasetInvalid,
    DiskFull,
    EffectStuck,
    ExtraMissing,
    ImportInvalid,
    MemoryUnusable,
    ModelNotConfigured,
    OperatorError,
    RecordingInvalid,
    RecordingMismatch,
    RepositoryUnusable,
    ResultsInvalid,
    RoadmapInvalid,
    SandboxMissing,
    SettingsInvalid,
    SoulInvalid,
    StageTaken,
    StateCorrupted,
    ToolsUnusable,
)
from neveridle.errors.services import (
    CredentialsRejected,
    EffectUnsettled,
    RateLimited,
    ServiceError,
    ServiceUnavailable,
    ServiceUnreached,
)

__all__ = [
    "DOCS",
    "AccessRefused",
    "ApprovalDenied",
    "BoardUnusable",
    "BudgetReached",
    "CoordinationError",
    "CredentialsRejected",
    "DatasetInvalid",
    "DependencyCycle",
    "DiskFull",
    "EditRejected",
    "EffectRefused",
    "EffectStuck",
    "EffectUnsettled",
    "ErrorCategory",
    "ExtraMissing",
    "HandoffRefused",
    "ImportInvalid",
    "LeaseLost",
    "LimitReached",
    "MemoryUnusable",
    "MergeConflict",
    "ModelMistake",
    "ModelNotConfigured",
    "NeveridleError",
    "NoProgress",
    "NotFound",
    "OperatorError",
    "OutcomeInvalid",
    "PathEscape",
    "RateLimited",
    "RecordingInvalid",
    "RecordingMismatch",
    "RepositoryUnusable",
    "RequestRefused",
    "ResultsInvalid",
    "RoadmapInvalid",
    "SandboxMissing",
    "ServiceError",
    "ServiceUnavailable",
    "ServiceUnreached",
    "SettingsInvalid",
    "SoulInvalid",
    "StageTaken",
    "StateConflict",
    "StateCorrupted",
    "Stuck",
    "ToolsUnusable",
    "WorkRefused",
]
