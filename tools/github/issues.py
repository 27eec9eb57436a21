"""Issues: the material of a tracker."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

from neveridle.tools.github.models import Comment, Issue
from neveridle.tools.github.parsing import parse, parse_all
from neveridle.tools.github.rest import GitHubRest

COMMENT_PAGES: Final = 30
"""GitHub takes 2,500 comments on one issue; these pages hold 3,000."""


class Issues:
    """The repository's issues; ``github.issues``.

    Everything raises ``ServiceError``, ``AccessRefused`` or ``RequestRefused`` as
    ``ServiceHttp.request`` does.
    """

    def __init__(self, rest: GitHubRest) -> None:
        self._rest = rest

    async def pages(
        self,
        *,
        state: Literal["open", "closed", "all"] = "open",
        labels: Sequence[str] = (),
        assignee: str | None = None,
        creator: str | None = None,
        since: datetime | None = None,
        sort: Literal["created", "updated", "comments"] = "created",
        direction: Literal["asc", "desc"] = "desc",
        pages: int = 10,
    ) -> AsyncGenerator[tuple[Issue, ...]]:
        """Issues, a page of at most 100 at a time, without pull requests.

        Args:
            state: which.
            labels: only those that have all of these.
            assignee: only those of this login; ``none``: of nobody, ``*``: of anybody.
            creator: only those this login opened.
            since: only those that changed at this moment or later.
            sort: by what.
            direction: the oldest, or the newest first.
            pages: at most so many; the rest is left out.
        """
        params = {
            "state": state,
            "labels": ",".join(labels) or None,
            "assignee": assignee,
            "creator": creator,
            "since": None
            if since is None
            else since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "sort": sort,
            "direction": direction,
        }
        async for page in self._rest.pages(self._rest.path("issues"), params, pages=pages):
            yield tuple(one for one in parse_all(Issue, page) if not one.is_pull_request)

    async def list(
        self,
        *,
        state: Literal["open", "closed", "all"] = "open",
        labels: Sequence[str] = (),
        assignee: str | None = None,
        since: datetime | None = None,
        sort: Literal["created", "updated", "comments"] = "created",
        direction: Literal["asc", "desc"] = "desc",
        pages: int = 10,
    ) -> tuple[Issue, ...]:
        """Issues of at most so many pages of 100, without pull requests; see ``pages``."""
        found: list[Issue] = []
        async for page in self.pages(
            state=state, labels=labels, assignee=assignee, since=since, sort=sort,
            direction=direction, pages=pages,
        ):  # fmt: skip
            found.extend(page)
        return tuple(found)

    async def get(self, number: int) -> Issue:
        """One issue. One that was moved to another repository is given as it is there."""
        return parse(Issue, await self._rest.get(self._rest.path("issues", number)))

    async def create(
        self,
        title: str,
        body: str = "",
        *,
        labels: Sequence[str] = (),
        assignees: Sequence[str] = (),
    ) -> Issue:
        """Open an issue. Not sent again where its answer is lost."""
        given: dict[str, Any] = {"title": title, "body": body}
        if labels:
            given["labels"] = list(labels)
        if assignees:
            given["assignees"] = list(assignees)
        return parse(Issue, await self._rest.write("POST", self._rest.path("issues"), given))

    async def update(
        self,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        state: Literal["open", "closed"] | None = None,
        reason: Literal["completed", "not_planned", "duplicate", "reopened"] | None = None,
        assignees: Sequence[str] | None = None,
        labels: Sequence[str] | None = None,
    ) -> Issue:
        """Set what is given, leave the rest.

        GitHub leaves out, without a word, assignees that it does not take: look at the
        result. It takes at most ten.

        Args:
            number: the issue.
            title: its title.
            body: its text.
            state: open or closed.
            reason: why; with a state only.
            assignees: those it has from now on, no others.
            labels: those it has from now on, no others.
        """
        given = {
            "title": title,
            "body": body,
            "state": state,
            "state_reason": reason,
            "assignees": None if assignees is None else [*assignees],
            "labels": None if labels is None else [*labels],
        }
        given = {name: one for name, one in given.items() if one is not None}
        path = self._rest.path("issues", number)
        return parse(Issue, await self._rest.write("PATCH", path, given, repeatable=True))

    async def assign(self, number: int, logins: Sequence[str]) -> Issue:
        """Add assignees to those it has, so that nobody loses it by that; see ``update``."""
        path = self._rest.path("issues", number, "assignees")
        given = {"assignees": [*logins]}
        return parse(Issue, await self._rest.write("POST", path, given, repeatable=True))

    async def unassign(self, number: int, logins: Sequence[str]) -> Issue:
        """Take assignees away; those it does not have are left out."""
        path = self._rest.path("issues", number, "assignees")
        given = {"assignees": [*logins]}
        return parse(Issue, await self._rest.write("DELETE", path, given, repeatable=True))

    async def comment(self, number: int, body: str) -> Comment:
        """Comment on an issue or a pull request. Not sent again where its answer is lost."""
        path = self._rest.path("issues", number, "comments")
        return parse(Comment, await self._rest.write("POST", path, {"body": body}))

    async def comments(self, number: int, *, since: datetime | None = None) -> tuple[Comment, ...]:
        """The comments of an issue or a pull request, the oldest first.

        Args:
            number: which.
            since: only those that changed at this moment or later.
        """
        when = None if since is None else since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        path = self._rest.path("issues", number, "comments")
        found = await self._rest.all(path, {"since": when}, pages=COMMENT_PAGES)
        return parse_all(Comment, found)

    async def delete_comment(self, comment: int) -> None:
        """Delete a comment, by its id."""
        path = self._rest.path("issues", "comments", comment)
        await self._rest.write("DELETE", path, repeatable=True)
