"""Writes to issues, as the verbs do them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from neveridle.board.effect import Asked
from neveridle.errors import EffectRefused
from neveridle.tools.github.marks import carries, marked
from neveridle.tools.github.targets import number_of

if TYPE_CHECKING:
    from neveridle.tools.github.client import GitHub
    from neveridle.tools.github.models import Comment, Issue

SEARCHED: Final = 10
"""Pages of the newest issues that are searched for one of ours: 1,000."""


class IssueWrites:
    """The functions of the verbs that write to issues; see ``github_verbs``."""

    def __init__(self, client: GitHub) -> None:
        self._client = client

    def _number(self, asked: Asked) -> int:
        return number_of(asked.target, self._client.repository)

    async def create(self, asked: Asked) -> Any:
        """Open an issue."""
        given = asked.request
        done = await self._client.issues.create(
            given["title"], marked(given.get("body") or "", asked.marker),
            labels=given.get("labels") or (), assignees=given.get("assignees") or (),
        )  # fmt: skip
        return _issue(done)

    async def find_issue(self, asked: Asked) -> Any:
        """The issue with the mark, among the newest."""
        async for page in self._client.issues.pages(state="all", pages=SEARCHED):
            for one in page:
                if carries(one.body, asked.marker):
                    return _issue(one)
        return None

    async def close_second(self, asked: Asked, result: Any) -> None:
        """Close an issue that is there twice; GitHub lets nobody but owners delete one."""
        del asked
        await self._client.issues.update(result["number"], state="closed", reason="duplicate")

    async def comment(self, asked: Asked) -> Any:
        """Comment."""
        number = self._number(asked)
        body = marked(asked.request["body"], asked.marker)
        return _comment(number, await self._client.issues.comment(number, body))

    async def find_comment(self, asked: Asked) -> Any:
        """The comment with the mark."""
        number = self._number(asked)
        for one in reversed(await self._client.issues.comments(number)):
            if carries(one.body, asked.marker):
                return _comment(number, one)
        return None

    async def delete_comment(self, asked: Asked, result: Any) -> None:
        """Delete a comment that is there twice."""
        del asked
        await self._client.issues.delete_comment(result["id"])

    async def set_state(self, asked: Asked) -> Any:
        """Open or close."""
        given = asked.request
        done = await self._client.issues.update(
            self._number(asked), state=given["state"], reason=given.get("reason")
        )
        return _issue(done)

    async def assign(self, asked: Asked) -> Any:
        """Set the assignees."""
        wanted = _logins(asked)
        done = await self._client.issues.update(self._number(asked), assignees=wanted)
        return _taken(asked, wanted, done)

    async def add_assignees(self, asked: Asked) -> Any:
        """Add assignees to those there are."""
        wanted = _logins(asked)
        return _taken(asked, wanted, await self._client.issues.assign(self._number(asked), wanted))

    async def remove_assignees(self, asked: Asked) -> Any:
        """Take assignees away."""
        return _issue(await self._client.issues.unassign(self._number(asked), _logins(asked)))

    async def set_labels(self, asked: Asked) -> Any:
        """Set the labels."""
        wanted = [str(one) for one in asked.request["labels"]]
        done = await self._client.issues.update(self._number(asked), labels=wanted)
        missing = _missing(wanted, done.labels)
        if missing:
            msg = f"GitHub left out labels of {asked.target}: {', '.join(missing)}."
            remedy = "The token needs write access to the repository."
            raise EffectRefused(msg, remedy=remedy, data={"labels": list(done.labels)})
        return _issue(done)


def _logins(asked: Asked) -> list[str]:
    return [str(one) for one in asked.request["assignees"]]


def _missing(wanted: list[str], there: tuple[str, ...]) -> list[str]:
    has = {one.lower() for one in there}
    return [one for one in wanted if one.lower() not in has]


def _taken(asked: Asked, wanted: list[str], done: Issue) -> dict[str, Any]:
    """What was done; GitHub leaves out those it does not take, so that is looked at."""
    missing = _missing(wanted, done.assignees)
    if missing:
        msg = f"GitHub does not take {', '.join(missing)} as assignee of {asked.target}."
        remedy = "It takes those who can write to the repository, ten at most."
        raise EffectRefused(msg, remedy=remedy, data={"assignees": list(done.assignees)})
    return _issue(done)


def _issue(one: Issue) -> dict[str, Any]:
    return {
        "number": one.number, "url": one.url, "state": one.state,
        "assignees": list(one.assignees), "labels": list(one.labels),
    }  # fmt: skip


def _comment(number: int, one: Comment) -> dict[str, Any]:
    return {"number": number, "id": one.id, "url": one.url}
