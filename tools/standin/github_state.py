"""What a GitHub repository holds in the stand-in, and the rules GitHub has for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from neveridle.tools.standin.github_git import Heads, MadeUpHeads, RepositoryHeads
from neveridle.tools.standin.github_records import (
    CheckRecord,
    CommentRecord,
    IssueRecord,
    PullRecord,
    ReviewRecord,
    StatusRecord,
)

VOTES: Final = {
    "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED",
}  # fmt: skip
ASSIGNEES: Final = 10


class Refused(Exception):
    """The repository says no.

    Args:
        status: the HTTP status.
        message: why.
        errors: the same for programs.
    """

    def __init__(self, status: int, message: str, errors: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = [*errors]


def invalid(resource: str, field: str, message: str = "") -> Refused:
    """What GitHub says to a request that does not fit its rules."""
    error = {"resource": resource, "field": field, "code": "custom" if message else "invalid"}
    return Refused(
        422, "Validation Failed", [{**error, **({"message": message} if message else {})}]
    )


class GitHubState:
    """One repository. Methods with a ``user`` act as that person.

    Args:
        login: who the token belongs to.
        git: a bare repository whose branches these are; None: branches are made up.
        now: seconds since 1970.
        default: the default branch.

    Attributes:
        collaborators: who can be assigned; None: everybody.
        associations: what people are to the repository, by login; else ``MEMBER``.
        push: whether the token may write to the repository; else labels and assignees that it
            sets are left out without a word.
    """

    def __init__(
        self, login: str, git: Path | None, now: Callable[[], float], default: str
    ) -> None:
        self.login = login
        self.now = now
        self.default = default
        self.heads: Heads = MadeUpHeads() if git is None else RepositoryHeads(git)
        self.collaborators: set[str] | None = None
        self.associations: dict[str, str] = {}
        self.push = True
        self.issues: dict[int, IssueRecord] = {}
        self.pulls: dict[int, PullRecord] = {}
        self.comments: list[CommentRecord] = []
        self.review_comments: list[CommentRecord] = []
        self.reviews: list[ReviewRecord] = []
        self.checks: list[CheckRecord] = []
        self.statuses: list[StatusRecord] = []
        self._last_id = 1000

    def _id(self) -> int:
        self._last_id += 1
        return self._last_id

    # Issues.

    def issue(self, number: int) -> IssueRecord:
        """An issue or the issue of a pull request."""
        if number not in self.issues:
            raise Refused(404, "Not Found")
        return self.issues[number]

    def open_issue(
        self,
        title: str,
        body: str = "",
        *,
        labels: Sequence[str] = (),
        assignees: Sequence[str] = (),
        user: str = "",
        pull: bool = False,
    ) -> IssueRecord:
        """Open an issue."""
        if not title:
            raise invalid("Issue", "title")
        now, number = self.now(), len(self.issues) + 1
        one = IssueRecord(number, title, body, user or self.login, now, now, pull=pull)
        one.labels, one.assignees = [*labels], self._assignable(assignees)
        self.issues[number] = one
        return one

    def change(self, number: int, **fields: Any) -> IssueRecord:
        """Set fields of an issue: title, body, state, state_reason, labels, assignees."""
        one = self.issue(number)
        one.title = fields.get("title") or one.title
        one.body = fields["body"] if fields.get("body") is not None else one.body
        if fields.get("labels") is not None and self.push:
            one.labels = [*fields["labels"]]
        if fields.get("assignees") is not None and self.push:
            one.assignees = self._assignable(fields["assignees"])
        state = fields.get("state")
        if state not in (None, "open", "closed"):
            raise invalid("Issue", "state")
        if state is not None and state != one.state:
            one.state = state
            one.closed = self.now() if state == "closed" else None
            one.reason = "completed" if state == "closed" else "reopened"
        if fields.get("state_reason"):
            one.reason = fields["state_reason"]
        one.updated = self.now()
        return one

    def assign(self, number: int, logins: Sequence[str], *, away: bool = False) -> IssueRecord:
        """Add assignees to those there are, or take them away."""
        now = self.issue(number).assignees
        left = [one for one in now if one not in logins]
        return self.change(number, assignees=left if away else [*now, *logins])

    def _assignable(self, logins: Sequence[str]) -> list[str]:
        """Those who can be assigned: the others are left out without a word, as GitHub does."""
        known = self.collaborators
        good = [one for one in dict.fromkeys(logins) if known is None or one in known]
        return good[:ASSIGNEES]

    def comment(self, number: int, body: str, *, user: str = "") -> CommentRecord:
        """Comment on an issue or a pull request."""
        issue = self.issue(number)
        if not body:
            raise invalid("IssueComment", "body")
        now = self.now()
        one = CommentRecord(self._id(), number, user or self.login, body, now, now)
        self.comments.append(one)
        issue.updated = now
        return one

    def uncomment(self, comment: int, *, on_line: bool = False) -> None:
        """Delete a comment."""
        where = self.review_comments if on_line else self.comments
        found = [one for one in where if one.id == comment]
        if not found:
            raise Refused(404, "Not Found")
        where.remove(found[0])

    # Pull requests.

    def pull(self, number: int) -> PullRecord:
        """A pull request; while it is open its head is where its branch is now."""
        if number not in self.pulls:
            raise Refused(404, "Not Found")
        one, heads = self.pulls[number], self.heads.all()
        if self.issues[number].state == "open":
            one.sha = heads.get(one.head, one.sha)
            one.base_sha = heads.get(one.base, one.base_sha)
        return one

    def open_pull(
        self, title: str, head: str, base: str, body: str = "", *, draft: bool = False,
        user: str = "",
    ) -> PullRecord:  # fmt: skip
        """Open a pull request, of which there is one for an open head and base."""
        head, heads = head.rpartition(":")[2], self.heads.all()
        for field, branch in (("head", head), ("base", base)):
            if branch not in heads:
                raise invalid("PullRequest", field)
        for one in self.pulls.values():
            if (one.head, one.base) == (head, base) and self.issues[one.number].state == "open":
                words = f"A pull request already exists for {head}."
                raise invalid("PullRequest", "", words)
        if not self.heads.ahead(heads[base], heads[head]):
            raise invalid("PullRequest", "", f"No commits between {base} and {head}")
        issue = self.open_issue(title, body, user=user, pull=True)
        one = PullRecord(issue.number, head, base, heads[head], heads[base], draft)
        self.pulls[issue.number] = one
        return one

    def mergeable(self, number: int) -> bool | None:
        """Whether it can be merged; None: it is not open."""
        one = self.pull(number)
        if self.issues[number].state != "open":
            return None
        return self.heads.mergeable(one.base, one.sha)

    def merge(
        self, number: int, *, sha: str = "", method: str = "merge", message: str = ""
    ) -> PullRecord:
        """Merge a pull request, if its head is at the commit that is named."""
        one, issue = self.pull(number), self.issues[number]
        if issue.state != "open" or one.draft:
            raise Refused(405, "Pull Request is not mergeable")
        if sha and sha != one.sha:
            raise Refused(409, "Head branch was modified. Review and try the merge again.")
        words = message or f"Merge pull request #{number} from {one.head}\n\n{issue.title}"
        done = self.heads.merge(one.base, one.sha, words, method)
        if done is None:
            raise Refused(405, "Pull Request is not mergeable")
        one.merged, one.merge_sha = self.now(), done
        issue.state, issue.closed, issue.updated = "closed", one.merged, one.merged
        return one

    def review(
        self,
        number: int,
        event: str,
        body: str = "",
        *,
        user: str = "",
        sha: str = "",
        comments: Sequence[dict[str, Any]] = (),
    ) -> ReviewRecord:
        """Review a pull request: APPROVE, REQUEST_CHANGES or COMMENT."""
        pull, who, now = self.pull(number), user or self.login, self.now()
        if event not in VOTES or (event != "APPROVE" and not body):
            raise invalid("PullRequestReview", "event" if event not in VOTES else "body")
        if event != "COMMENT" and who == self.issues[number].user:
            raise Refused(422, "Unprocessable Entity: Can not review your own pull request")
        one = ReviewRecord(self._id(), number, who, VOTES[event], body, sha or pull.sha, now)
        self.reviews.append(one)
        for given in comments:
            self._on_line(one, given)
        self.issues[number].updated = now
        return one

    def _on_line(self, review: ReviewRecord, given: dict[str, Any]) -> None:
        line = CommentRecord(
            self._id(), review.pull, review.user, given["body"], review.submitted,
            review.submitted, path=given["path"], line=given.get("line"), review=review.id,
            sha=review.sha,
        )  # fmt: skip
        self.review_comments.append(line)

    def reply(self, number: int, comment: int, body: str, *, user: str = "") -> CommentRecord:
        """Answer a comment on a line."""
        found = [one for one in self.review_comments if (one.issue, one.id) == (number, comment)]
        if not found:
            raise Refused(404, "Not Found")
        first, now = found[0], self.now()
        one = CommentRecord(
            self._id(), number, user or self.login, body, now, now, path=first.path,
            line=first.line, replies_to=first.id, sha=first.sha,
        )  # fmt: skip
        self.review_comments.append(one)
        return one

    # Checks.

    def check(
        self,
        sha: str,
        name: str,
        conclusion: str | None = "success",
        *,
        summary: str = "",
        annotations: Sequence[tuple[str, int, str]] = (),
        log: str | None = None,
    ) -> CheckRecord:
        """Report a check run of a commit, in place of the last of that name.

        Args:
            sha: the commit.
            name: of the check.
            conclusion: how it ended; None: it is still running.
            summary: what it says.
            annotations: path, line and message of each.
            log: of the job of GitHub Actions; None: it is none.
        """
        self.checks = [one for one in self.checks if (one.sha, one.name) != (sha, name)]
        status = "in_progress" if conclusion is None else "completed"
        one = CheckRecord(self._id(), sha, name, status, conclusion, self.now(), summary)
        one.annotations, one.log = [*annotations], log
        self.checks.append(one)
        return one

    def status(self, sha: str, context: str, state: str, description: str = "") -> StatusRecord:
        """Report a status of a commit, in place of the last of that context."""
        self.statuses = [one for one in self.statuses if (one.sha, one.context) != (sha, context)]
        one = StatusRecord(self._id(), sha, context, state, description, self.now())
        self.statuses.append(one)
        return one

    def commit(self, ref: str) -> str:
        """The commit a branch, or a SHA, means."""
        return self.heads.all().get(ref, ref)
