"""Writes to pull requests, as the verbs do them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neveridle.board.effect import Asked
from neveridle.board.verb import AlreadyThere
from neveridle.errors import RequestRefused
from neveridle.tools.github.marks import carries, keeping, marked
from neveridle.tools.github.targets import number_of

if TYPE_CHECKING:
    from neveridle.tools.github.client import GitHub
    from neveridle.tools.github.models import PullRequest, Review, ReviewComment


class PullWrites:
    """The functions of the verbs that write to pull requests; see ``github_verbs``."""

    def __init__(self, client: GitHub) -> None:
        self._client = client

    def _number(self, asked: Asked) -> int:
        return number_of(asked.target, self._client.repository)

    async def create(self, asked: Asked) -> Any:
        """Open a pull request for the branch that is the target."""
        if asked.call > 1:
            await self._there(asked)
        given = asked.request
        try:
            done = await self._client.pulls.create(
                given["title"], head=asked.target, base=given["base"],
                body=marked(given.get("body") or "", asked.marker),
                draft=bool(given.get("draft")),
            )  # fmt: skip
        except RequestRefused as error:
            if error.status == 422:  # perhaps because there is one
                await self._there(asked)
            raise
        return _pull(done)

    async def _there(self, asked: Asked) -> None:
        found = await self.find(asked)
        if found is not None:
            raise AlreadyThere(found)

    async def find(self, asked: Asked) -> Any:
        """The one that is open for the branch, or was made by this action and then closed."""
        base = asked.request["base"]
        found = await self._client.pulls.list(state="all", head=asked.target, base=base, pages=1)
        ours = [one for one in found if carries(one.body, asked.marker)]
        there = [*ours, *(one for one in found if one.state == "open")]
        return _pull(there[0]) if there else None

    async def update(self, asked: Asked) -> Any:
        """Set what is given; the mark in its text stays."""
        number, given = self._number(asked), asked.request
        body = given.get("body")
        if body is not None:
            body = keeping(body, (await self._client.pulls.get(number)).body)
        done = await self._client.pulls.update(
            number, title=given.get("title"), body=body, state=given.get("state"),
            base=given.get("base"),
        )  # fmt: skip
        return _pull(done)

    async def merge(self, asked: Asked) -> Any:
        """Merge at a commit; one that was merged at it is done."""
        number, given = self._number(asked), asked.request
        sha = str(given["sha"])
        try:
            done = await self._client.pulls.merge(
                number, sha, method=given.get("method") or "merge",
                title=given.get("title") or "", message=given.get("message") or "",
            )  # fmt: skip
        except RequestRefused as error:
            found = await self._client.pulls.get(number)
            if not found.merged or found.head.sha != sha:
                raise
            del error  # it was merged before, by an earlier call or a person
            return {**_pull(found), "merge": found.merge_commit_sha}
        return {"number": number, "head": sha, "merged": done.merged, "merge": done.sha}

    async def review(self, asked: Asked) -> Any:
        """Review."""
        number, given = self._number(asked), asked.request
        done = await self._client.reviews.create(
            number, given["event"], marked(given.get("body") or "", asked.marker),
            commit=given.get("commit") or "", comments=given.get("comments") or (),
        )  # fmt: skip
        return _review(number, done)

    async def find_review(self, asked: Asked) -> Any:
        """The review with the mark."""
        number = self._number(asked)
        for one in reversed(await self._client.reviews.list(number)):
            if carries(one.body, asked.marker):
                return _review(number, one)
        return None

    async def reply(self, asked: Asked) -> Any:
        """Answer a comment on a line."""
        number, given = self._number(asked), asked.request
        body = marked(given["body"], asked.marker)
        return _reply(number, await self._client.reviews.reply(number, given["comment"], body))

    async def find_reply(self, asked: Asked) -> Any:
        """The answer with the mark."""
        number = self._number(asked)
        for one in reversed(await self._client.reviews.comments(number)):
            if carries(one.body, asked.marker):
                return _reply(number, one)
        return None

    async def delete_reply(self, asked: Asked, result: Any) -> None:
        """Delete an answer that is there twice."""
        del asked
        await self._client.reviews.delete_comment(result["id"])


def _pull(one: PullRequest) -> dict[str, Any]:
    return {
        "number": one.number, "url": one.url, "state": one.state, "merged": one.merged,
        "head": one.head.sha,
    }  # fmt: skip


def _review(number: int, one: Review) -> dict[str, Any]:
    return {"number": number, "id": one.id, "url": one.url, "state": one.state}


def _reply(number: int, one: ReviewComment) -> dict[str, Any]:
    return {"number": number, "id": one.id, "url": one.url}
