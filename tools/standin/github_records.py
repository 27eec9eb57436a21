"""What the GitHub stand-in remembers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class IssueRecord:
    """An issue; a pull request has one of the same number."""

    number: int
    title: str
    body: str
    user: str
    created: float
    updated: float
    state: str = "open"
    reason: str | None = None
    labels: list[str] = field(default_factory=list[str])
    assignees: list[str] = field(default_factory=list[str])
    closed: float | None = None
    pull: bool = False


@dataclass(slots=True)
class PullRecord:
    """What a pull request has beside its issue."""

    number: int
    head: str
    base: str
    sha: str
    base_sha: str
    draft: bool = False
    merged: float | None = None
    merge_sha: str | None = None


@dataclass(slots=True)
class CommentRecord:
    """A comment on an issue, or (with a path) on a line of a pull request."""

    id: int
    issue: int
    user: str
    body: str
    created: float
    updated: float
    path: str = ""
    line: int | None = None
    review: int | None = None
    replies_to: int | None = None
    sha: str = ""


@dataclass(slots=True)
class ReviewRecord:
    """A review."""

    id: int
    pull: int
    user: str
    state: str
    body: str
    sha: str
    submitted: float


@dataclass(slots=True)
class CheckRecord:
    """A check run."""

    id: int
    sha: str
    name: str
    status: str
    conclusion: str | None
    started: float
    summary: str = ""
    annotations: list[tuple[str, int, str]] = field(default_factory=list[tuple[str, int, str]])
    log: str | None = None


@dataclass(slots=True)
class StatusRecord:
    """A status of a commit."""

    id: int
    sha: str
    context: str
    state: str
    description: str
    at: float
