"""Reviews of pull requests, and what they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from neveridle.tools.github.models import Review, ReviewComment
from neveridle.tools.github.parsing import parse, parse_all
from neveridle.tools.github.rest import GitHubRest

ReviewEvent = Literal["APPROVE", "REQUEST_CHANGES", "COMMENT"]

_VOTES: Final = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")


@dataclass(frozen=True, slots=True)
class RequestedChanges:
    """What reviewers want changed.

    Attributes:
        reviews: of each reviewer whose last vote asks for changes, that one.
        comments: the comments on lines that belong to them, and all that answer those.
    """

    reviews: tuple[Review, ...]
    comments: tuple[ReviewComment, ...]


class Reviews:
    """Reviews of the repository's pull requests; ``github.reviews``."""

    def __init__(self, rest: GitHubRest) -> None:
        self._rest = rest

    async def list(self, number: int) -> tuple[Review, ...]:
        """The reviews of a pull request, the oldest first; at most 1,000."""
        return parse_all(Review, await self._rest.all(self._rest.path("pulls", number, "reviews")))

    async def create(
        self,
        number: int,
        event: ReviewEvent,
        body: str = "",
        *,
        commit: str = "",
        comments: Sequence[dict[str, Any]] = (),
    ) -> Review:
        """Review a pull request. Not sent again where its answer is lost.

        Args:
            number: which.
            event: the vote.
            body: what is said; needed but to approve.
            commit: the commit that was looked at; empty: the newest.
            comments: on lines, each with ``path``, ``line`` and ``body``.
        """
        given: dict[str, Any] = {"event": event}
        given |= {"body": body} if body else {}
        given |= {"commit_id": commit} if commit else {}
        given |= {"comments": [*comments]} if comments else {}
        path = self._rest.path("pulls", number, "reviews")
        return parse(Review, await self._rest.write("POST", path, given))

    async def comments(self, number: int) -> tuple[ReviewComment, ...]:
        """The comments on lines of a pull request, the oldest first; at most 3,000."""
        path = self._rest.path("pulls", number, "comments")
        return parse_all(ReviewComment, await self._rest.all(path, pages=30))

    async def reply(self, number: int, comment: int, body: str) -> ReviewComment:
        """Answer a comment on a line. Not sent again where its answer is lost.

        Args:
            number: the pull request.
            comment: the id of the comment that opened the thread.
            body: the answer.
        """
        path = self._rest.path("pulls", number, "comments", comment, "replies")
        return parse(ReviewComment, await self._rest.write("POST", path, {"body": body}))

    async def delete_comment(self, comment: int) -> None:
        """Delete a comment on a line, by its id."""
        path = self._rest.path("pulls", "comments", comment)
        await self._rest.write("DELETE", path, repeatable=True)

    async def requested(self, number: int) -> RequestedChanges:
        """What reviewers want changed, by the last vote of each."""
        last: dict[str, Review] = {}
        for review in await self.list(number):
            if review.state in _VOTES:
                last[review.author] = review
        asking = tuple(one for one in last.values() if one.state == "CHANGES_REQUESTED")
        if not asking:
            return RequestedChanges((), ())
        comments = await self.comments(number)
        numbers = {one.id for one in asking}
        threads = {one.id for one in comments if one.review in numbers}
        threads |= {one.replies_to for one in comments if one.replies_to and one.id in threads}
        wanted = [one for one in comments if one.id in threads or one.replies_to in threads]
        return RequestedChanges(asking, tuple(wanted))
