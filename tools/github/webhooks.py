"""GitHub's webhooks: signed, and told what changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from neveridle.errors import ServiceError
from neveridle.tools.github.check_models import CheckRun, CheckSuite, Status
from neveridle.tools.github.models import Comment, Issue, PullRequest, Review, ReviewComment
from neveridle.tools.github.parsing import SERVICE, fields, parse
from neveridle.tools.services.parsed import fields_of
from neveridle.tools.services.signatures import signed

SIGNATURE: Final = "x-hub-signature-256"
EVENT: Final = "x-github-event"
DELIVERY: Final = "x-github-delivery"
EVENTS: Final = (
    "issues", "issue_comment", "pull_request", "pull_request_review",
    "pull_request_review_comment", "check_run", "check_suite", "status",
)  # fmt: skip
"""The events that are understood: those to turn on for a webhook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubEvent:
    """What a webhook says happened.

    Attributes:
        name: one of ``EVENTS``.
        action: what happened, such as ``opened``; empty for ``status``.
        repository: where, as ``owner/name``.
        sender: whose doing it is.
        issue: of ``issues`` and ``issue_comment``.
        comment: of ``issue_comment``.
        pull: of the three about pull requests.
        review: of ``pull_request_review``.
        line: of ``pull_request_review_comment``.
        run: of ``check_run``.
        suite: of ``check_suite``.
        status: of ``status``.
        sha: the commit that was checked; empty: none was.
        delivery: GitHub's id for it; the same when it is sent again.
    """

    name: str
    action: str
    repository: str
    sender: str
    issue: Issue | None = None
    comment: Comment | None = None
    pull: PullRequest | None = None
    review: Review | None = None
    line: ReviewComment | None = None
    run: CheckRun | None = None
    suite: CheckSuite | None = None
    status: Status | None = None
    sha: str = ""
    delivery: str = ""

    @property
    def number(self) -> int | None:
        """The issue or pull request it is about; None: it is about a commit."""
        about = self.pull or self.issue
        return None if about is None else about.number


def verify(secret: str, body: bytes, signature: str) -> bool:
    """Whether a body was sent by GitHub; in constant time.

    Args:
        secret: the webhook's secret; with an empty one nothing is believed.
        body: the bytes as they came.
        signature: the header ``X-Hub-Signature-256``; empty: there was none.
    """
    kind, _, digits = signature.strip().partition("=")
    return kind.lower() == "sha256" and signed(secret, body, digits)


def verified(secret: str, body: bytes, headers: Mapping[str, str]) -> GitHubEvent | None:
    """What a webhook says; None: it is not GitHub's, or of an event that is not used.

    Args:
        secret: the webhook's secret.
        body: the bytes as they came, JSON or a form with it.
        headers: names in lower case or ignoring case.

    Raises:
        ServiceError: it is GitHub's, and not understood.
    """
    if not verify(secret, body, headers.get(SIGNATURE, "")):
        return None
    text: bytes | str = body
    if body.startswith(b"payload="):
        text = parse_qs(body.decode("utf-8", "replace")).get("payload", [""])[0]
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        msg = f"{SERVICE} sent a webhook that is no JSON."
        raise ServiceError(msg, service=SERVICE) from None  # it would show what was sent
    return event_of(headers.get(EVENT, ""), data, delivery=headers.get(DELIVERY, ""))


def event_of(name: str, data: Any, *, delivery: str = "") -> GitHubEvent | None:
    """An event from its JSON; None: it is one that is not used.

    Args:
        name: the event.
        data: what was sent.
        delivery: GitHub's id for it.

    Raises:
        ServiceError: it is not understood.
    """
    if name not in EVENTS:
        return None
    said = fields(data)
    found: dict[str, Any] = {}
    if name in ("issues", "issue_comment"):
        found["issue"] = parse(Issue, said.get("issue"))
    if name == "issue_comment":
        found["comment"] = parse(Comment, said.get("comment"))
    if name.startswith("pull_request"):
        found["pull"] = parse(PullRequest, said.get("pull_request"))
    if name == "pull_request_review":
        found["review"] = parse(Review, said.get("review"))
    if name == "pull_request_review_comment":
        found["line"] = parse(ReviewComment, said.get("comment"))
    if name == "check_run":
        found["run"] = run = parse(CheckRun, said.get("check_run"))
        found["sha"] = run.head_sha
    if name == "check_suite":
        found["suite"] = suite = parse(CheckSuite, said.get("check_suite"))
        found["sha"] = suite.head_sha
    if name == "status":
        found["status"] = parse(Status, said)
        found["sha"] = str(said.get("sha", ""))
    return GitHubEvent(
        name=name,
        action=str(said.get("action", "")),
        repository=str(fields_of(said.get("repository")).get("full_name", "")),
        sender=str(fields_of(said.get("sender")).get("login", "")),
        delivery=delivery,
        **found,
    )
