"""What an agent may do in Linear."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from neveridle.errors import RequestRefused
from neveridle.tools.effects.performer import Performer, service_tool
from neveridle.tools.linear.verbs import linear_verbs

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from neveridle.settings.services import LinearSettings
    from neveridle.tools.linear.client import Linear

SHOWN: Final = 20
"""Comments that are shown of an issue."""
WORDS: Final = {"started", "review", "done", "reopened"}
PRIORITIES: Final = {"none": 0, "urgent": 1, "high": 2, "normal": 3, "low": 4}


def linear_tools(
    client: Linear, settings: LinearSettings, performer: Performer
) -> Sequence[BaseTool]:
    """The tools of one attempt: every agent reads, and writes on its task's own ticket.

    Who is named in ``services.linear.creators`` makes tickets, too.
    """
    tools = _Tools(client, settings, performer)
    given: list[Callable[..., Awaitable[str]]] = [
        tools.linear_ticket, tools.linear_comment, tools.linear_move, tools.linear_link,
    ]  # fmt: skip
    if performer.attempt.agent in settings.creators and settings.team:
        given.append(tools.linear_create)
    return [service_tool(one) for one in given]


class _Tools:
    def __init__(self, client: Linear, settings: LinearSettings, performer: Performer) -> None:
        self._client = client
        self._settings = settings
        self._performer = performer
        self._verbs = {verb.name: verb for verb in linear_verbs(client)}

    async def linear_ticket(self, ticket: str) -> str:
        """Read a ticket of Linear's with its newest comments.

        Args:
            ticket: Its identifier, such as AGT-275.
        """
        issue = await self._client.look(ticket.strip())
        if issue is None:
            msg = f"Linear has no ticket {ticket}."
            raise RequestRefused(msg)
        comments = await self._client.comments(issue.id, limit=SHOWN)
        said = {
            "ticket": issue.identifier,
            "title": issue.title,
            "description": issue.description or "",
            "state": issue.state.name,
            "assignee": None if issue.assignee is None else issue.assignee.display_name,
            "labels": list(issue.label_names),
            "blocked_by": [one.identifier for one in issue.blocked_by],
            "blocks": [one.identifier for one in issue.blocks],
            "url": issue.url,
            "comments": [
                {
                    "by": "an integration" if one.user is None else one.user.display_name,
                    "at": one.created_at,
                    "body": one.body,
                }
                for one in comments
            ],
        }
        return json.dumps(said, ensure_ascii=False)

    async def linear_comment(self, text: str) -> str:
        """Comment on the ticket of this task.

        Args:
            text: What to say, in Markdown.
        """
        done = await self._write("comment", {"body": text})
        return f"Commented: {done['url']}"

    async def linear_move(self, state: str) -> str:
        """Move the ticket of this task to another state.

        Args:
            state: One of started, review, done, reopened.
        """
        if state not in WORDS:
            msg = f"'{state}' is no state: use {', '.join(sorted(WORDS))}."
            raise RequestRefused(msg)
        done = await self._write("set_state", {"state": state})
        return f"{done['issue']} is {done['state']}."

    async def linear_link(self, url: str, title: str) -> str:
        """Attach a link to the ticket of this task.

        Args:
            url: Where it leads; a link of the same address is changed.
            title: What it is called.
        """
        done = await self._write("attach", {"url": url, "title": title})
        return f"Attached {done['url']}."

    async def linear_create(self, title: str, description: str, priority: str = "none") -> str:
        """Make a new ticket in the team's backlog.

        Args:
            title: What is to be done, in a line.
            description: What is to be done, at length, in Markdown.
            priority: One of none, low, normal, high, urgent.
        """
        if priority not in PRIORITIES:
            msg = f"'{priority}' is no priority: use {', '.join(PRIORITIES)}."
            raise RequestRefused(msg)
        request = {"title": title, "description": description, "priority": PRIORITIES[priority]}
        done = await self._performer.once(self._verbs["create"], self._settings.team, request)
        return f"Made {done.result['issue']}: {done.result['url']}"

    async def _write(self, verb: str, request: dict[str, Any]) -> Any:
        task = await self._performer.task()
        if not task.ticket:
            msg = "This task has no ticket."
            raise RequestRefused(msg)
        done = await self._performer.once(self._verbs[verb], task.ticket, request)
        return done.result
