"""The tools that read from GitHub; what they show was written by others, and is data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from neveridle.errors import RequestRefused
from neveridle.tools.github.check_models import Status
from neveridle.tools.github.marks import unmarked

if TYPE_CHECKING:
    from neveridle.tools.github.client import GitHub
    from neveridle.tools.github.models import Comment, Issue

LISTED: Final = 50
"""Issues that are shown of a list."""
TALK: Final = 20
"""Comments that are shown, the newest."""
LONGEST: Final = 8_000
"""Characters of a text that are shown."""
LOG: Final = 16_000
"""Bytes of a log that are shown."""

State = Literal["open", "closed", "all"]


class Reading:
    """The tools that read.

    Args:
        client: GitHub.
    """

    def __init__(self, client: GitHub) -> None:
        self._client = client

    async def github_issues(self, state: str = "open", labels: str = "") -> str:
        """List the newest issues on GitHub.

        Args:
            state: One of open, closed, all.
            labels: Only those with all of these labels, separated by commas.
        """
        found = await self._client.issues.list(
            state=_state(state), labels=[one.strip() for one in labels.split(",") if one.strip()],
            pages=1,
        )  # fmt: skip
        return _json([_brief(one) for one in found[:LISTED]])

    async def github_issue(self, number: int) -> str:
        """Read an issue on GitHub with its newest comments.

        Args:
            number: Its number.
        """
        issue = await self._client.issues.get(number)
        comments = await self._client.issues.comments(number)
        said = {**_brief(issue), "body": _short(issue.body), "comments": _talk(comments)}
        return _json(said)

    async def github_pull_request(self, number: int) -> str:
        """Read a pull request on GitHub: its state, reviews and newest comments.

        Args:
            number: Its number.
        """
        pull = await self._client.pulls.get(number)
        reviews = await self._client.reviews.list(number)
        lines = await self._client.reviews.comments(number)
        comments = await self._client.issues.comments(number)
        said = {
            "number": pull.number, "title": pull.title, "body": _short(pull.body),
            "author": pull.author, "state": "merged" if pull.merged else pull.state,
            "draft": pull.draft, "mergeable": pull.mergeable_state or "unknown",
            "from": pull.head.ref, "sha": pull.head.sha, "into": pull.base.ref, "url": pull.url,
            "reviews": [
                {"by": one.author, "state": one.state, "commit": one.commit,
                 "body": _short(one.body)} for one in reviews[-TALK:]
            ],
            "on_lines": [
                {"by": one.author, "path": one.path, "line": one.line, "body": _short(one.body)}
                for one in lines[-TALK:]
            ],
            "comments": _talk(comments),
        }  # fmt: skip
        return _json(said)

    async def github_checks(self, ref: str) -> str:
        """Look at the checks of a commit on GitHub.

        Args:
            ref: The commit, whole, or a branch.
        """
        checks = await self._client.checks.of(ref)
        shown: list[dict[str, Any]] = [
            {"check": run.name, "state": run.conclusion or run.status, "job": run.job}
            for run in checks.runs
        ]
        shown += [{"check": one.context, "state": one.state} for one in checks.statuses]
        why = [
            {"check": one.context, "said": _short(one.description)}
            if isinstance(one, Status)
            else {"check": one.name, "said": _short(f"{one.title}\n{one.summary}".strip())}
            for one in checks.failed
        ]
        return _json({"state": checks.state, "checks": shown[:LISTED], "failed": why[:TALK]})

    async def github_job_log(self, job: int) -> str:
        """Read the end of the log of a job of GitHub Actions.

        Args:
            job: The job's number, as github_checks shows it.
        """
        log = await self._client.checks.logs.get(job, limit=LOG)
        return f"(The last {LOG} of {log.size} bytes.)\n{log.text}" if log.cut else log.text


def _state(word: str) -> State:
    for one in get_args(State):
        if word == one:
            found: State = one
            return found
    msg = f"{word!r} is no state: use {', '.join(get_args(State))}."
    raise RequestRefused(msg)


def _brief(one: Issue) -> dict[str, Any]:
    return {
        "number": one.number, "title": one.title, "state": one.state, "labels": list(one.labels),
        "assignees": list(one.assignees), "author": one.author, "url": one.url,
    }  # fmt: skip


def _talk(comments: tuple[Comment, ...]) -> list[dict[str, Any]]:
    return [
        {"by": one.author, "at": one.created_at.isoformat(), "body": _short(one.body)}
        for one in comments[-TALK:]
    ]


def _short(text: str) -> str:
    text = unmarked(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"


def _json(said: Any) -> str:
    return json.dumps(said, ensure_ascii=False)
