"""GitHub's JSON, made from the stand-in's records so that it keeps GitHub's own contract."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from neveridle.tools.standin.github_records import (
    CheckRecord,
    CommentRecord,
    IssueRecord,
    PullRecord,
    ReviewRecord,
    StatusRecord,
)

_USER_URLS: Final = (
    "events", "followers", "following", "gists", "organizations", "received_events", "repos",
    "starred", "subscriptions",
)  # fmt: skip
_REPOSITORY_URLS: Final = (
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare",
    "contents", "contributors", "deployments", "downloads", "events", "forks", "git_commits",
    "git_refs", "git_tags", "hooks", "issue_comment", "issue_events", "issues", "keys", "labels",
    "languages", "merges", "milestones", "notifications", "pulls", "releases", "stargazers",
    "statuses", "subscribers", "subscription", "tags", "teams", "trees",
)  # fmt: skip
_NO: Final = ("archived", "disabled", "fork", "private", "has_pages", "has_discussions")
_YES: Final = ("has_downloads", "has_issues", "has_projects", "has_wiki")
_NONE: Final = ("description", "homepage", "language", "license", "mirror_url")
_COUNTS: Final = (
    "forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count",
    "watchers", "watchers_count", "network_count", "subscribers_count",
)  # fmt: skip


def moment(at: float) -> str:
    """A time as GitHub writes it, in whole seconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def identity(text: str) -> int:
    """A number that stands for a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


class Shapes:
    """Makes JSON for one repository.

    Args:
        api: where the stand-in is.
        repository: as ``owner/name``.
        associations: what people are to it; ``MEMBER`` where it is not said.
    """

    def __init__(
        self, api: str, repository: str, associations: Mapping[str, str] | None = None
    ) -> None:
        self._associations = dict[str, str]() if associations is None else associations
        self.api = f"{api}/repos/{repository}"
        self.root = api
        self.page = f"https://github.example/{repository}"
        self.name = repository

    def _association(self, login: str) -> str:
        return self._associations.get(login, "MEMBER")

    def user(self, login: str) -> dict[str, Any]:
        """An account."""
        url = f"{self.root}/users/{login}"
        return {
            "login": login, "id": identity(login), "node_id": f"U_{login}", "type": "User",
            "avatar_url": f"https://github.example/{login}.png", "gravatar_id": "",
            "url": url, "html_url": f"https://github.example/{login}", "site_admin": False,
            **{f"{name}_url": f"{url}/{name}" for name in _USER_URLS},
        }  # fmt: skip

    def account(self, login: str) -> dict[str, Any]:
        """The token's own account."""
        counts = ("followers", "following", "public_gists", "public_repos")
        empty = ("bio", "blog", "company", "email", "hireable", "location", "name")
        return {
            **self.user(login), **dict.fromkeys(empty), **dict.fromkeys(counts, 0),
            "created_at": moment(0), "updated_at": moment(0), "user_view_type": "public",
        }  # fmt: skip

    def repository(self, default: str) -> dict[str, Any]:
        """The repository."""
        owner, _, name = self.name.partition("/")
        return {
            "id": identity(self.name), "node_id": f"R_{name}", "name": name,
            "full_name": self.name, "owner": self.user(owner), "url": self.api,
            "html_url": self.page, "default_branch": default, "visibility": "public",
            "clone_url": f"{self.page}.git", "git_url": f"git://github.example/{self.name}.git",
            "ssh_url": f"git@github.example:{self.name}.git", "svn_url": self.page,
            "created_at": moment(0), "updated_at": moment(0), "pushed_at": moment(0),
            **{f"{one}_url": f"{self.api}/{one}" for one in _REPOSITORY_URLS},
            **dict.fromkeys(_NO, False), **dict.fromkeys(_YES, True),
            **dict.fromkeys(_NONE), **dict.fromkeys(_COUNTS, 0),
        }  # fmt: skip

    def label(self, name: str) -> dict[str, Any]:
        """A label."""
        return {
            "id": identity(name), "node_id": f"LA_{identity(name)}", "name": name,
            "url": f"{self.api}/labels/{name}", "color": "ededed", "default": False,
            "description": None,
        }  # fmt: skip

    def issue(self, one: IssueRecord, comments: int) -> dict[str, Any]:
        """An issue, or a pull request as the issues list it."""
        url = f"{self.api}/issues/{one.number}"
        page = f"{self.page}/{'pull' if one.pull else 'issues'}/{one.number}"
        pull = f"{self.api}/pulls/{one.number}"
        also = {"pull_request": {"url": pull, "html_url": page, "diff_url": f"{page}.diff",
                                 "patch_url": f"{page}.patch"}}  # fmt: skip
        return {
            **self._common(one, url, page), "comments": comments, "repository_url": self.api,
            "state_reason": one.reason, "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments", "events_url": f"{url}/events",
            **(also if one.pull else {}),
        }  # fmt: skip

    def _common(self, one: IssueRecord, url: str, page: str) -> dict[str, Any]:
        users = [self.user(login) for login in one.assignees]
        return {
            "id": identity(url), "node_id": f"I_{one.number}", "number": one.number, "url": url,
            "html_url": page, "title": one.title, "body": one.body, "user": self.user(one.user),
            "labels": [self.label(name) for name in one.labels], "state": one.state,
            "locked": False, "assignees": users, "assignee": users[0] if users else None,
            "milestone": None, "created_at": moment(one.created),
            "updated_at": moment(one.updated), "author_association": self._association(one.user),
            "closed_at": None if one.closed is None else moment(one.closed),
        }  # fmt: skip

    def pull(self, one: IssueRecord, pull: PullRecord, default: str) -> dict[str, Any]:
        """A pull request as a list has it."""
        url, page = f"{self.api}/pulls/{one.number}", f"{self.page}/pull/{one.number}"
        issue, statuses = f"{self.api}/issues/{one.number}", f"{self.api}/statuses/{pull.sha}"
        links = {
            "self": url, "html": page, "issue": issue, "comments": f"{issue}/comments",
            "review_comments": f"{url}/comments", "commits": f"{url}/commits",
            "review_comment": f"{self.api}/pulls/comments{{/number}}", "statuses": statuses,
        }  # fmt: skip
        urls = {f"{name}_url": links[name] for name in
                ("issue", "comments", "review_comments", "review_comment", "commits",
                 "statuses")}  # fmt: skip
        return {
            **self._common(one, url, page), **urls, "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch", "draft": pull.draft, "auto_merge": None,
            "requested_reviewers": [], "requested_teams": [],
            "merged_at": None if pull.merged is None else moment(pull.merged),
            "merge_commit_sha": pull.merge_sha,
            "head": self._end(pull.head, pull.sha, default),
            "base": self._end(pull.base, pull.base_sha, default),
            "_links": {name: {"href": link} for name, link in links.items()},
        }  # fmt: skip

    def _end(self, ref: str, sha: str, default: str) -> dict[str, Any]:
        owner = self.name.partition("/")[0]
        return {
            "label": f"{owner}:{ref}", "ref": ref, "sha": sha, "user": self.user(owner),
            "repo": self.repository(default),
        }  # fmt: skip

    def comment(self, one: CommentRecord) -> dict[str, Any]:
        """A comment on an issue."""
        return {
            "id": one.id, "node_id": f"IC_{one.id}", "body": one.body, "user": self.user(one.user),
            "url": f"{self.api}/issues/comments/{one.id}",
            "html_url": f"{self.page}/issues/{one.issue}#issuecomment-{one.id}",
            "issue_url": f"{self.api}/issues/{one.issue}", "created_at": moment(one.created),
            "updated_at": moment(one.updated), "author_association": self._association(one.user),
        }  # fmt: skip

    def review_comment(self, one: CommentRecord) -> dict[str, Any]:
        """A comment on a line."""
        pull, url = f"{self.api}/pulls/{one.issue}", f"{self.api}/pulls/comments/{one.id}"
        page = f"{self.page}/pull/{one.issue}#discussion_r{one.id}"
        links = {"self": url, "html": page, "pull_request": pull}
        return {
            "id": one.id, "node_id": f"PRRC_{one.id}", "url": url, "html_url": page,
            "pull_request_url": pull, "pull_request_review_id": one.review, "path": one.path,
            "diff_hunk": "@@ -1 +1 @@", "commit_id": one.sha, "original_commit_id": one.sha,
            "body": one.body, "user": self.user(one.user), "created_at": moment(one.created),
            "updated_at": moment(one.updated), "author_association": self._association(one.user),
            "_links": {name: {"href": link} for name, link in links.items()},
            **({"line": one.line} if one.line is not None else {}),
            **({"in_reply_to_id": one.replies_to} if one.replies_to is not None else {}),
        }  # fmt: skip

    def review(self, one: ReviewRecord) -> dict[str, Any]:
        """A review."""
        page = f"{self.page}/pull/{one.pull}#pullrequestreview-{one.id}"
        pull = f"{self.api}/pulls/{one.pull}"
        return {
            "id": one.id, "node_id": f"PRR_{one.id}", "user": self.user(one.user),
            "body": one.body, "state": one.state, "commit_id": one.sha, "html_url": page,
            "pull_request_url": pull, "submitted_at": moment(one.submitted),
            "author_association": self._association(one.user),
            "_links": {"html": {"href": page}, "pull_request": {"href": pull}},
        }  # fmt: skip

    def check(self, one: CheckRecord) -> dict[str, Any]:
        """A check run; with a log, one of GitHub Actions."""
        url = f"{self.api}/check-runs/{one.id}"
        page = f"{self.page}/actions/runs/{one.id}/job/{one.id}" if one.log is not None else url
        done = one.status == "completed"
        return {
            "id": one.id, "node_id": f"CR_{one.id}", "head_sha": one.sha, "name": one.name,
            "url": url, "html_url": page, "details_url": page, "status": one.status,
            "conclusion": one.conclusion, "external_id": "", "check_suite": {"id": one.id},
            "started_at": moment(one.started),
            "completed_at": moment(one.started) if done else None, "app": None,
            "pull_requests": [],
            "output": {
                "title": None, "summary": one.summary or None, "text": None,
                "annotations_count": len(one.annotations), "annotations_url": f"{url}/annotations",
            },
        }  # fmt: skip

    def annotation(self, path: str, line: int, message: str) -> dict[str, Any]:
        """What a check says about a line."""
        return {
            "path": path, "blob_href": f"{self.page}/blob/main/{path}", "start_line": line,
            "end_line": line, "start_column": None, "end_column": None,
            "annotation_level": "failure", "title": None, "message": message, "raw_details": None,
        }  # fmt: skip

    def status(self, one: StatusRecord) -> dict[str, Any]:
        """A status."""
        return {
            "id": one.id, "node_id": f"SC_{one.id}", "context": one.context, "state": one.state,
            "description": one.description or None, "target_url": None, "avatar_url": None,
            "url": f"{self.api}/statuses/{one.sha}", "created_at": moment(one.at),
            "updated_at": moment(one.at),
        }  # fmt: skip

    def branch(self, name: str, sha: str, *, whole: bool) -> dict[str, Any]:
        """A branch, as a list has it, or whole."""
        url = f"{self.api}/commits/{sha}"
        if not whole:
            return {"name": name, "protected": False, "commit": {"sha": sha, "url": url}}
        at, owner = f"{self.api}/branches/{name}", self.name.partition("/")[0]
        inner = {
            "author": None, "committer": None, "comment_count": 0, "message": "a commit",
            "tree": {"sha": sha, "url": url}, "url": url,
        }  # fmt: skip
        commit: dict[str, Any] = {
            "sha": sha, "url": url, "node_id": f"C_{sha}", "html_url": f"{self.page}/commit/{sha}",
            "comments_url": f"{url}/comments", "commit": inner, "author": self.user(owner),
            "committer": self.user(owner), "parents": [],
        }  # fmt: skip
        return {
            "name": name, "commit": commit, "protected": False, "protection": {"enabled": False},
            "_links": {"self": at, "html": f"{self.page}/tree/{name}"},
            "protection_url": f"{at}/protection",
        }  # fmt: skip
