"""Pull requests."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from neveridle.tools.github.models import Merge, PullRequest
from neveridle.tools.github.parsing import parse, parse_all
from neveridle.tools.github.rest import GitHubRest

if TYPE_CHECKING:
    from neveridle.board.clock import BoardClock

MergeMethod = Literal["merge", "squash", "rebase"]


class PullRequests:
    """The repository's pull requests; ``github.pulls``.

    Args:
        rest: where they are asked for.
        clock: what tells how old they are.
    """

    def __init__(self, rest: GitHubRest, clock: BoardClock) -> None:
        self._rest = rest
        self._clock = clock

    async def pages(
        self,
        *,
        state: Literal["open", "closed", "all"] = "open",
        head: str = "",
        base: str = "",
        sort: Literal["created", "updated"] = "created",
        direction: Literal["asc", "desc"] = "desc",
        pages: int = 10,
    ) -> AsyncGenerator[tuple[PullRequest, ...]]:
        """Pull requests, a page of at most 100 at a time.

        Args:
            state: which.
            head: only those from this branch, ``owner:branch`` where it is not ours.
            base: only those into this branch.
            sort: by what.
            direction: the oldest, or the newest first.
            pages: at most so many; the rest is left out.
        """
        label = head if ":" in head or not head else f"{self._rest.owner}:{head}"
        params = {
            "state": state, "head": label or None, "base": base or None, "sort": sort,
            "direction": direction,
        }  # fmt: skip
        async for page in self._rest.pages(self._rest.path("pulls"), params, pages=pages):
            branch = label.partition(":")[2]
            # GitHub ignores a head it does not understand, and then gives all there are.
            yield tuple(
                one for one in parse_all(PullRequest, page) if not branch or one.head.ref == branch
            )

    async def list(
        self,
        *,
        state: Literal["open", "closed", "all"] = "open",
        head: str = "",
        base: str = "",
        pages: int = 10,
    ) -> tuple[PullRequest, ...]:
        """Pull requests of at most so many pages of 100, the newest first; see ``pages``."""
        found: list[PullRequest] = []
        async for page in self.pages(state=state, head=head, base=base, pages=pages):
            found.extend(page)
        return tuple(found)

    async def stale(self, days: float, *, pages: int = 3) -> tuple[PullRequest, ...]:
        """Open pull requests that nobody touched for so many days, the oldest first.

        Args:
            days: the least age of the last change, by the board's clock.
            pages: at most so many pages of 100; the rest is left out.
        """
        now = datetime.fromtimestamp(await self._clock.now(), UTC)
        before = now - timedelta(days=days)
        found: list[PullRequest] = []
        async for page in self.pages(sort="updated", direction="asc", pages=pages):
            old = [one for one in page if one.updated_at <= before]
            found.extend(old)
            if len(old) < len(page):
                break
        return tuple(found)

    async def get(self, number: int) -> PullRequest:
        """One pull request, with whether it can be merged."""
        return parse(PullRequest, await self._rest.get(self._rest.path("pulls", number)))

    async def create(
        self, title: str, *, head: str, base: str, body: str = "", draft: bool = False
    ) -> PullRequest:
        """Open a pull request. GitHub takes one for a head and a base that is open.

        Args:
            title: its title.
            head: the branch with the work; ``owner:branch`` from a fork.
            base: the branch it is to go to.
            body: what and why.
            draft: whether it is not to be reviewed yet.
        """
        given: dict[str, Any] = {"title": title, "head": head, "base": base, "body": body}
        if draft:
            given["draft"] = True
        return parse(PullRequest, await self._rest.write("POST", self._rest.path("pulls"), given))

    async def update(
        self,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        state: Literal["open", "closed"] | None = None,
        base: str | None = None,
    ) -> PullRequest:
        """Set what is given, leave the rest."""
        given = {"title": title, "body": body, "state": state, "base": base}
        given = {name: one for name, one in given.items() if one is not None}
        path = self._rest.path("pulls", number)
        return parse(PullRequest, await self._rest.write("PATCH", path, given, repeatable=True))

    async def merge(
        self,
        number: int,
        sha: str,
        *,
        method: MergeMethod = "merge",
        title: str = "",
        message: str = "",
    ) -> Merge:
        """Merge, if the head is still at the commit that was looked at.

        Args:
            number: which.
            sha: the commit; GitHub merges no other.
            method: how.
            title: of the merge commit; empty: GitHub's own.
            message: of the merge commit; empty: GitHub's own.

        Raises:
            RequestRefused: it cannot be merged (405), or its head moved (409).
        """
        given: dict[str, Any] = {"sha": sha, "merge_method": method}
        given |= {"commit_title": title} if title else {}
        given |= {"commit_message": message} if message else {}
        path = self._rest.path("pulls", number, "merge")
        return parse(Merge, await self._rest.write("PUT", path, given))
