"""What checks say about a commit: check runs, statuses, and the two as one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from pydantic import AliasPath, Field

from neveridle.tools.github.models import GitHubModel, Text

FINE: Final = frozenset({"success", "neutral", "skipped"})
"""Conclusions after which a pull request may be merged; any other is a failure."""

ChecksState: TypeAlias = Literal["none", "pending", "success", "failure"]

_JOB: Final = re.compile(r"/actions/runs/\d+/job/(\d+)")


class CheckRun(GitHubModel):
    """One check of one commit.

    Attributes:
        status: ``completed``, or that it is still to come.
        conclusion: ``success``, ``failure``, ``neutral``, ``cancelled``, ``skipped``,
            ``timed_out``, ``action_required``, ``stale``, ``startup_failure``; empty: it is not
            completed.
        app: who runs it, such as ``github-actions``.
        suite: the check suite it belongs to.
    """

    id: int
    name: str
    status: str
    conclusion: Text = ""
    head_sha: str
    url: Text = Field(default="", validation_alias="html_url")
    details_url: Text = ""
    app: Text = Field(default="", validation_alias=AliasPath("app", "slug"))
    suite: int | None = Field(default=None, validation_alias=AliasPath("check_suite", "id"))
    title: Text = Field(default="", validation_alias=AliasPath("output", "title"))
    summary: Text = Field(default="", validation_alias=AliasPath("output", "summary"))
    text: Text = Field(default="", validation_alias=AliasPath("output", "text"))
    annotations: int = Field(default=0, validation_alias=AliasPath("output", "annotations_count"))
    started_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def completed(self) -> bool:
        """Whether it has come to a conclusion."""
        return self.status == "completed"

    @property
    def failed(self) -> bool:
        """Whether it came to a bad end."""
        return self.completed and self.conclusion not in FINE

    @property
    def job(self) -> int | None:
        """The job of GitHub Actions behind it, which has a log; None: it is none."""
        found = _JOB.search(self.details_url)
        if found:
            return int(found[1])
        return self.id if self.app == "github-actions" else None


class CheckSuite(GitHubModel):
    """All checks of one app for one commit."""

    id: int
    head_sha: str
    head_branch: Text = ""
    status: Text = ""
    conclusion: Text = ""


class Status(GitHubModel):
    """One status of a commit, the older kind of check.

    Attributes:
        state: ``pending``, ``success``, ``failure`` or ``error``.
    """

    context: str
    state: str
    description: Text = ""
    url: Text = Field(default="", validation_alias="target_url")
    updated_at: datetime


class Annotation(GitHubModel):
    """What a check says about some lines.

    Attributes:
        level: ``notice``, ``warning`` or ``failure``.
    """

    path: Text = ""
    start_line: int = 0
    end_line: int = 0
    level: Text = Field(default="", validation_alias="annotation_level")
    title: Text = ""
    message: Text = ""

    def __str__(self) -> str:
        words = ": ".join(part for part in (self.title, self.message) if part)
        return f"{self.path}:{self.start_line}: {self.level}: {words}"


@dataclass(frozen=True, slots=True)
class Checks:
    """All that is said about one commit.

    Attributes:
        sha: the commit.
        runs: its check runs, the newest of each name and app.
        statuses: its statuses, the newest of each context.
    """

    sha: str
    runs: tuple[CheckRun, ...]
    statuses: tuple[Status, ...]

    @property
    def state(self) -> ChecksState:
        """``failure`` as soon as one failed; ``none`` where nothing has reported yet."""
        if any(run.failed for run in self.runs):
            return "failure"
        if any(one.state in ("failure", "error") for one in self.statuses):
            return "failure"
        if not (self.runs or self.statuses):
            return "none"
        done = all(run.completed for run in self.runs)
        return "success" if done and all(s.state == "success" for s in self.statuses) else "pending"

    @property
    def failed(self) -> tuple[CheckRun | Status, ...]:
        """Those that failed."""
        bad = [one for one in self.statuses if one.state in ("failure", "error")]
        return (*(run for run in self.runs if run.failed), *bad)
