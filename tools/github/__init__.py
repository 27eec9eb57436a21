"""GitHub: issues, branches, pull requests, reviews, checks and webhooks of one repository."""

from __future__ import annotations

from neveridle.tools.github.check_models import Annotation, CheckRun, Checks, Status
from neveridle.tools.github.client import GitHub
from neveridle.tools.github.models import (
    Branch,
    Comment,
    Issue,
    Merge,
    PullRequest,
    Review,
    ReviewComment,
)
from neveridle.tools.github.toolset import github_tools
from neveridle.tools.github.verbs import github_verbs
from neveridle.tools.github.webhooks import GitHubEvent, verified, verify

__all__ = [
    "Annotation",
    "Branch",
    "CheckRun",
    "Checks",
    "Comment",
    "GitHub",
    "GitHubEvent",
    "Issue",
    "Merge",
    "PullRequest",
    "Review",
    "ReviewComment",
    "Status",
    "github_tools",
    "github_verbs",
    "verified",
    "verify",
]
