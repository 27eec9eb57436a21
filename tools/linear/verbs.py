"""What is written to Linear, and what makes it safe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from neveridle.board.effect import Asked, Safety
from neveridle.board.verb import AlreadyThere
from neveridle.errors import RequestRefused
from neveridle.tools.effects.verb import Verb
from neveridle.tools.linear.client import IDENTIFIER
from neveridle.tools.linear.failures import SERVICE

if TYPE_CHECKING:
    from neveridle.tools.linear.client import Linear

LONGER: Final = 5.0
"""Seconds that a write may take beyond all its requests."""


def linear_verbs(client: Linear) -> tuple[Verb, ...]:
    """All ways of writing to Linear.

    ``set_state`` (``{"state": word}``, see ``state_of``), ``assign`` (``{"user": id or
    None}``), ``take`` (``{"user": id, "ours": ids}``: refused where somebody else has it, or
    it is over), ``attach`` (``{"url", "title", "subtitle"}``) and ``comment`` (``{"body"}``)
    have an identifier such as AGT-275 as their target; ``create`` (``{"title",
    "description", "priority", "labels", "id"}``) has a team's key.
    """
    writes = _Writes(client)
    timeout = client.settings.total_timeout + LONGER

    def verb(name: str, safety: Safety, call: Any, **more: Any) -> Verb:
        return Verb(service=SERVICE, name=name, safety=safety, identity="content", call=call,
                    timeout=timeout, **more)  # fmt: skip

    return (
        verb("set_state", Safety.NATURAL, writes.set_state),
        verb("assign", Safety.NATURAL, writes.assign),
        verb("take", Safety.NATURAL, writes.take),
        verb("attach", Safety.NATURAL, writes.attach),
        verb("comment", Safety.CLIENT_KEY, writes.comment, find=writes.find_comment),
        verb("create", Safety.CLIENT_KEY, writes.create, find=writes.find_issue),
    )


class _Writes:
    def __init__(self, client: Linear) -> None:
        self._client = client

    async def set_state(self, asked: Asked) -> Any:
        state = await self._client.state(_team(asked.target), str(asked.request["state"]))
        done = await self._client.update(asked.target, {"stateId": state.id})
        return {"issue": done["identifier"], "state": state.name, "type": state.type}

    async def assign(self, asked: Asked) -> Any:
        user = asked.request["user"]
        done = await self._client.update(asked.target, {"assigneeId": user})
        return {"issue": done["identifier"], "user": user}

    async def take(self, asked: Asked) -> Any:
        # Looked at in every try: a person may have taken it since the last one.
        user, ours = asked.request["user"], asked.request["ours"]
        issue = await self._client.look(asked.target)
        if issue is None or issue.over:
            msg = f"{asked.target} was closed."
            raise RequestRefused(msg)
        if issue.assignee is not None and issue.assignee.id not in ours:
            msg = f"{asked.target} is {issue.assignee.display_name}'s."
            raise RequestRefused(msg)
        if issue.assignee is None or issue.assignee.id != user:
            await self._client.update(asked.target, {"assigneeId": user})
        return {"issue": issue.identifier, "user": user, "state": issue.state.type}

    async def attach(self, asked: Asked) -> Any:
        given = {name: asked.request[name] for name in ("url", "title")}
        more = {"subtitle": asked.request.get("subtitle") or None}
        done = await self._client.attach({"issueId": asked.target, **given, **more})
        return {"id": done["id"], "url": done["url"]}

    async def comment(self, asked: Asked) -> Any:
        if asked.call > 1:
            await self._there(await self.find_comment(asked))
        fields = {"id": asked.client_key, "issueId": asked.target, "body": asked.request["body"]}
        try:
            done = await self._client.comment(fields)
        except RequestRefused:  # perhaps because it is there
            await self._there(await self.find_comment(asked))
            raise
        return {"id": done["id"], "url": done["url"]}

    async def find_comment(self, asked: Asked) -> Any:
        found = await self._client.comment_of(asked.client_key)
        return None if found is None else {"id": found.id, "url": found.url}

    async def create(self, asked: Asked) -> Any:
        if asked.call > 1:
            await self._there(await self.find_issue(asked))
        given = asked.request
        team = await self._client.team(asked.target)
        named = {label.name.lower(): label.id for label in team.labels.nodes}
        fields: dict[str, Any] = {
            "id": _key(asked),
            "teamId": team.id,
            "title": given["title"],
            "description": given.get("description", ""),
            "priority": int(given.get("priority", 0)),
            "labelIds": [
                named[name.lower()] for name in given.get("labels", []) if name.lower() in named
            ],
        }
        try:
            done = await self._client.create(fields)
        except RequestRefused:  # perhaps because it is there
            await self._there(await self.find_issue(asked))
            raise
        return {"id": done["id"], "issue": done["identifier"], "url": done["url"]}

    async def find_issue(self, asked: Asked) -> Any:
        found = await self._client.look(_key(asked))
        if found is None:
            return None
        return {"id": found.id, "issue": found.identifier, "url": found.url}

    async def _there(self, found: Any) -> None:
        """Say that it is there, where it is."""
        if found is not None:
            raise AlreadyThere(found)


def _key(asked: Asked) -> str:
    """The id of an issue we make: the one asked for, or the action's own."""
    return str(asked.request.get("id") or asked.client_key)


def _team(target: str) -> str:
    named = IDENTIFIER.fullmatch(target)
    if named is None:
        msg = f"'{target}' is no issue of Linear's."
        raise RequestRefused(msg, remedy="Use an identifier such as AGT-275.")
    return named[1].upper()
