"""What GitHub says, as far as it is used: frozen, and blind to fields nobody asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

GHOST: Final = "ghost"
"""The login GitHub itself shows for an account that was deleted."""


def _text(value: Any) -> Any:
    return "" if value is None else value


def _login(value: Any) -> Any:
    if isinstance(value, dict):
        fields: dict[str, Any] = {**value}
        return fields.get("login", GHOST)
    return GHOST if value is None else value


def _logins(value: Any) -> Any:
    items: list[Any] = [*(value or ())]
    return tuple(_login(one) for one in items if one is not None)


def _labels(value: Any) -> Any:
    items: list[Any] = [*(value or ())]
    fields: list[Any] = [one.get("name") if isinstance(one, dict) else one for one in items]  # pyright: ignore[reportUnknownMemberType] # JSON
    return tuple(one for one in fields if one is not None)


def _given(value: Any) -> Any:
    return value if isinstance(value, bool) else value is not None


Text = Annotated[str, BeforeValidator(_text)]
"""A text; null is empty."""
Login = Annotated[str, BeforeValidator(_login)]
Logins = Annotated[tuple[str, ...], BeforeValidator(_logins)]
Labels = Annotated[tuple[str, ...], BeforeValidator(_labels)]
Given = Annotated[bool, BeforeValidator(_given)]
"""Whether something is there at all."""


class GitHubModel(BaseModel):
    """The base of all."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Issue(GitHubModel):
    """An issue.

    Attributes:
        state: ``open`` or ``closed``.
        state_reason: ``completed``, ``not_planned``, ``duplicate``, ``reopened``; empty: none.
        association: what its author is to the repository, in capitals, such as ``MEMBER``;
            ``NONE``: anybody.
        url: for people.
        is_pull_request: whether it is really a pull request, which GitHub lists among issues.
    """

    id: int
    number: int
    title: str
    body: Text = ""
    state: str
    state_reason: Text = ""
    labels: Labels = ()
    assignees: Logins = ()
    author: Login = Field(default=GHOST, validation_alias="user")
    association: Text = Field(default="", validation_alias="author_association")
    url: str = Field(validation_alias="html_url")
    comments: int = 0
    locked: bool = False
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    is_pull_request: Given = Field(default=False, validation_alias="pull_request")

    @model_validator(mode="before")
    @classmethod
    def _with_state(cls, data: Any) -> Any:
        """Some webhooks (``pinned``) leave the state out; when it was closed says the same."""
        if not isinstance(data, dict) or "state" in data:
            return data  # pyright: ignore[reportUnknownVariableType] # JSON
        given: dict[str, Any] = {**data}
        return {**given, "state": "closed" if given.get("closed_at") else "open"}


class Comment(GitHubModel):
    """A comment on an issue, or on a pull request as a whole.

    Attributes:
        association: what its author is to the repository, in capitals, such as ``MEMBER``.
    """

    id: int
    body: Text = ""
    author: Login = Field(default=GHOST, validation_alias="user")
    association: Text = Field(default="", validation_alias="author_association")
    url: Text = Field(default="", validation_alias="html_url")
    created_at: datetime
    updated_at: datetime


class Branch(GitHubModel):
    """A branch and the commit it is at."""

    name: str
    sha: str = Field(validation_alias=AliasPath("commit", "sha"))
    protected: bool = False


class End(GitHubModel):
    """One end of a pull request.

    Attributes:
        ref: the branch.
        sha: the commit.
        label: the branch with its owner, as ``owner:branch``.
        repository: as ``owner/name``; empty: it was deleted.
    """

    ref: str
    sha: str
    label: Text = ""
    repository: Text = Field(default="", validation_alias=AliasPath("repo", "full_name"))


class PullRequest(GitHubModel):
    """A pull request.

    Attributes:
        mergeable: whether it merges without conflicts; None: GitHub does not know yet, or it
            comes from a list.
        mergeable_state: GitHub's own word, such as ``clean``, ``dirty``, ``blocked``,
            ``behind``, ``unstable``; empty: it comes from a list.
        merge_commit_sha: the merge commit once merged; before, one that GitHub tried.
    """

    id: int
    number: int
    title: str
    body: Text = ""
    state: str
    draft: bool = False
    head: End
    base: End
    author: Login = Field(default=GHOST, validation_alias="user")
    url: str = Field(validation_alias="html_url")
    labels: Labels = ()
    assignees: Logins = ()
    reviewers: Logins = Field(default=(), validation_alias="requested_reviewers")
    mergeable: bool | None = None
    mergeable_state: Text = ""
    merge_commit_sha: Text = ""
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    merged_at: datetime | None = None

    @property
    def merged(self) -> bool:
        """Whether it was merged."""
        return self.merged_at is not None


class Merge(GitHubModel):
    """What merging gave: the merge commit."""

    merged: bool
    sha: Text = ""
    message: Text = ""


class Review(GitHubModel):
    """A review.

    Attributes:
        state: in capitals: ``APPROVED``, ``CHANGES_REQUESTED``, ``COMMENTED``, ``DISMISSED``,
            ``PENDING``.
        association: what its author is to the repository, in capitals, such as ``MEMBER``.
        commit: the commit it looked at.
    """

    id: int
    author: Login = Field(default=GHOST, validation_alias="user")
    association: Text = Field(default="", validation_alias="author_association")
    body: Text = ""
    state: Annotated[str, BeforeValidator(lambda value: str(value).upper())]
    commit: Text = Field(default="", validation_alias="commit_id")
    url: Text = Field(default="", validation_alias="html_url")
    submitted_at: datetime | None = None


class ReviewComment(GitHubModel):
    """A comment on a line of a pull request.

    Attributes:
        association: what its author is to the repository, in capitals, such as ``MEMBER``.
        line: in the file as it is now; None: the line is gone, or the comment is on the file.
        replies_to: the comment it answers; None: it opens a thread.
        review: the review it belongs to.
    """

    id: int
    author: Login = Field(default=GHOST, validation_alias="user")
    association: Text = Field(default="", validation_alias="author_association")
    body: Text = ""
    path: str
    line: int | None = None
    diff: Text = Field(default="", validation_alias="diff_hunk")
    commit: Text = Field(default="", validation_alias="commit_id")
    replies_to: int | None = Field(default=None, validation_alias="in_reply_to_id")
    review: int | None = Field(default=None, validation_alias="pull_request_review_id")
    url: Text = Field(default="", validation_alias="html_url")
    created_at: datetime
