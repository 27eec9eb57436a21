"""What operations on workspaces come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class BranchInfo:
    """A branch of the repository.

    Attributes:
        name: without ``refs/heads/``.
        commit: what it points at.
        committed_at: that commit's committer date, Unix seconds.
        merged: whether the target branch contains that commit.
    """

    name: str
    commit: str
    committed_at: int
    merged: bool


@dataclass(frozen=True, slots=True)
class MergeResult:
    """A merge into a workspace's branch: a commit, or the paths that conflict."""

    commit: str | None
    conflicts: list[str] = field(default_factory=list[str])

    @property
    def ok(self) -> bool:
        """Whether the branch now contains the other one."""
        return self.commit is not None


@dataclass(frozen=True, slots=True)
class PublishResult:
    """How moving the target branch ended.

    Attributes:
        result: ``done``; ``moved`` (somebody else moved the branch: merge it and
            try again); ``dirty`` (a person's uncommitted work is in the way).
        commit: what the target branch points at now.
        files: with ``dirty``, the files in the way.
    """

    result: Literal["done", "moved", "dirty"]
    commit: str
    files: list[str] = field(default_factory=list[str])
