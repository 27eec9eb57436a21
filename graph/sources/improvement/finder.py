"""What a finder is, and what it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from neveridle.errors import OperatorError

if TYPE_CHECKING:
    from neveridle.graph.sources.improvement.proposal import Proposal
    from neveridle.tools.sandbox import CommandResult
    from neveridle.tools.workspace import BranchInfo


class Checkout(Protocol):
    """A clone of the target branch's commit that finders may read and run commands in."""

    @property
    def tree(self) -> Path:
        """The folder of the working tree."""
        ...

    async def run(self, command: str) -> CommandResult:
        """Run a shell command in the tree, in the sandbox and within its limits."""
        ...

    async def branches(self) -> Sequence[BranchInfo]:
        """The branches of the team's repository."""
        ...


@dataclass(frozen=True, slots=True)
class FinderContext:
    """What a finder may look at.

    Attributes:
        checkout: the clone.
        checks: the project's checks, name to command.
        lint: the linter's command; empty: the check called ``lint``, if there is one.
        stale_days: days without a commit after which a branch awaits review.
        now: seconds since the epoch, by the board's clock.
        target_branch: the branch that work is merged to.
        own_prefix: what the names of the team's own branches start with; empty: none does.
    """

    checkout: Checkout
    checks: Mapping[str, str]
    lint: str
    stale_days: float
    now: float
    target_branch: str
    own_prefix: str

    @property
    def lint_command(self) -> str:
        """The linter's command; empty when there is none."""
        return (self.lint or self.checks.get("lint", "")).strip()


class Finder(Protocol):
    """Looks for one kind of opportunity, without a model.

    A finder that cannot look raises; its error is reported, and the others go on.
    """

    @property
    def name(self) -> str:
        """As it is named in the settings."""
        ...

    async def find(self, context: FinderContext) -> list[Proposal]:
        """What it found; bounded, in any order."""
        ...


class FinderFailed(OperatorError):
    """A finder could not look, or not everywhere; ``found`` is what it has all the same."""

    code = "finder-failed"

    def __init__(self, message: str, *, remedy: str = "", found: Sequence[Proposal] = ()) -> None:
        super().__init__(message, remedy=remedy)
        self.found = tuple(found)
