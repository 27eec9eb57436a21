"""GitHub's issues as the backlog."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from neveridle.agents.roster import Roster
from neveridle.board import Priority
from neveridle.board.effect import Asked, Safety
from neveridle.board.verb import AlreadyThere
from neveridle.errors import RequestRefused
from neveridle.graph.sources.roles import asked_of
from neveridle.graph.sources.tracker import OutsideTracker, Reading, Ticket, Write
from neveridle.tools.effects import Verb
from neveridle.tools.github.targets import name_of, number_of
from neveridle.tools.github.verbs import LONGER, github_verbs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from neveridle.settings import Settings
    from neveridle.tools.github.client import GitHub
    from neveridle.tools.github.models import Issue

PAGES: Final = 20
"""Pages of 100 open issues that are read at most."""
GONE: Final = (404, 410)
WAITS: Final = re.compile(r"\b(?:blocked by|depends on)[: ]+((?:#[1-9]\d{0,9}[, and]*)+)", re.I)
NUMBER: Final = re.compile(r"#([1-9]\d{0,9})")
PRIORITIES: Final = {
    "urgent": Priority.URGENT, "critical": Priority.URGENT, "p0": Priority.URGENT,
    "high": Priority.HIGH, "p1": Priority.HIGH,
    "medium": Priority.NORMAL, "normal": Priority.NORMAL, "p2": Priority.NORMAL,
    "low": Priority.LOW, "p3": Priority.LOW,
}  # fmt: skip
SPARE: Final = ((0.1, 10.0), (0.25, 4.0), (0.5, 2.0))
"""Below which share of the limit is left, how many times longer the interval becomes."""


class GitHubTracker(OutsideTracker):
    """The issues of one repository.

    Args:
        client: GitHub's.
        settings: the team's.
        roster: whose names, roles and skills labels can be.
    """

    name = "github"

    def __init__(self, client: GitHub, settings: Settings, roster: Roster) -> None:
        self.client = client
        self._settings = settings
        self._roster = roster
        self._open: set[str] | None = None
        self._users: dict[str, str] = {}
        timeout = client.settings.total_timeout + LONGER

        def sets(name: str, call: Any) -> Verb:
            return Verb(service="github", name=name, safety=Safety.NATURAL, identity="content",
                        call=call, timeout=timeout)  # fmt: skip

        item = Verb(
            service="github", name="make_item", safety=Safety.CLIENT_KEY, identity="content",
            call=self._make, find=self._find, timeout=timeout,
        )  # fmt: skip
        ours = (sets("take", self._take), sets("give_back", self._give_back), item)
        self.verbs = (*github_verbs(client), *ours)
        self._verb = {verb.name: verb for verb in self.verbs}

    def interval(self) -> float:
        """See ``OutsideTracker``."""
        rate = self.client.rate
        left = 1.0 if rate is None or not rate.limit else rate.remaining / rate.limit
        times = next((times for below, times in SPARE if left < below), 1.0)
        return self._settings.tracker.poll * times

    async def read(self, cursor: str, *, whole: bool) -> Reading:
        """See ``OutsideTracker``; what did not change since the last look costs nothing."""
        agents = await self._agents()
        whole = whole or not cursor or self._open is None
        since = None if whole else datetime.fromisoformat(cursor)
        issues: list[Issue] = []
        count = 0
        async for page in self.client.issues.pages(
            state="open" if whole else "all", since=since, sort="updated", pages=PAGES
        ):
            issues += page
            count += 1
        if count == PAGES and whole:
            msg = f"GitHub has more open issues than the {PAGES * 100} that are read."
            await self._too_many(msg)
        opened = {name_of(one.number) for one in issues if one.state == "open"}
        closed = {name_of(one.number) for one in issues if one.state != "open"}
        self._open = opened if whole else ((self._open or set()) | opened) - closed
        newest = max([cursor, *(_moment(one.updated_at) for one in issues)])
        return Reading(newest, tuple(self._ticket(one, agents) for one in issues), whole)

    async def _too_many(self, message: str) -> None:
        raise RequestRefused(message, remedy="Close what nobody will do.")

    async def look(self, ref: str) -> Ticket | None:
        """See ``OutsideTracker``."""
        try:
            issue = await self.client.issues.get(self._number(ref))
        except RequestRefused as error:
            if error.status in GONE:
                return None
            raise
        return self._ticket(issue, await self._agents())

    async def take(self, ref: str, agent: str) -> Write:
        """See ``OutsideTracker``."""
        agents = await self._agents()
        viewer = next(iter(agents))
        user = next((user for user, name in agents.items() if name == agent), viewer)
        return Write(self._verb["take"], ref, {"user": user, "ours": sorted(agents)})

    async def give_back(self, ref: str, to: str) -> Write:
        """See ``OutsideTracker``; others who are assigned stay so."""
        agents = await self._agents()
        return Write(self._verb["give_back"], ref, {"ours": sorted(agents), "to": to})

    def move(self, ref: str, state: str) -> Write | None:
        """See ``OutsideTracker``; that it was started is said by its being assigned."""
        if state == "done":
            request = {"state": "closed", "reason": "completed"}
        elif state == "reopened":
            request = {"state": "open", "reason": "reopened"}
        else:
            return None
        return Write(self._verb["set_state"], ref, request)

    def make(self, title: str, description: str, fingerprint: str) -> Write:
        """See ``OutsideTracker``; found again by the fingerprint in its text."""
        request = {"title": title, "body": description, "fingerprint": fingerprint}
        return Write(self._verb["make_item"], f"item {fingerprint}", request)

    def made(self, result: Any) -> str:
        """See ``OutsideTracker``."""
        return name_of(int(result["number"]))

    # The verbs; adding and removing one's own name leaves those of others alone.

    async def _take(self, asked: Asked) -> Any:
        number, ours = self._number(asked.target), set(asked.request["ours"])
        issue = await self.client.issues.get(number)
        others = [one for one in issue.assignees if one.lower() not in ours]
        if issue.state != "open" or others:
            msg = f"{asked.target} is {others[0]}'s." if others else f"{asked.target} was closed."
            raise RequestRefused(msg)
        user = str(asked.request["user"])
        if user not in {one.lower() for one in issue.assignees}:
            path = self.client.rest.path("issues", number, "assignees")
            await self.client.rest.write("POST", path, {"assignees": [user]}, repeatable=True)
        return {"number": number, "user": user}

    async def _give_back(self, asked: Asked) -> Any:
        number = self._number(asked.target)
        path = self.client.rest.path("issues", number, "assignees")
        body = {"assignees": list(asked.request["ours"])}
        await self.client.rest.write("DELETE", path, body, repeatable=True)
        return {"number": number}

    async def _make(self, asked: Asked) -> Any:
        found = await self._find(asked)
        if found is not None:
            raise AlreadyThere(found)
        issue = await self.client.issues.create(asked.request["title"], asked.request["body"])
        return {"number": issue.number, "url": issue.url}

    async def _find(self, asked: Asked) -> Any:
        said = f"`{asked.request['fingerprint']}`"
        async for page in self.client.issues.pages(state="all", pages=PAGES):
            for one in page:
                if said in one.body:
                    return {"number": one.number, "url": one.url}
        return None

    def _number(self, ref: str) -> int:
        return number_of(ref, self.client.repository)

    async def _agents(self) -> dict[str, str]:
        """Agents by login in lower case; whom the token belongs to comes first, and is nobody."""
        if not self._users:
            users = {(await self.client.login()).lower(): ""}
            for name, one in self._settings.agents.items():
                if one.tracker_user.strip():
                    users.setdefault(one.tracker_user.strip().lower(), name)
            self._users = users
        return self._users

    def _ticket(self, issue: Issue, agents: dict[str, str]) -> Ticket:
        mine = [one for one in issue.assignees if one.lower() in agents]
        others = [one for one in issue.assignees if one.lower() not in agents]
        agent, skills = asked_of(issue.labels, self._roster)
        if mine:
            agent = agents[mine[0].lower()] or agent
        wanted = {one.lower() for one in self._settings.tracker.labels}
        over = issue.state != "open" or bool(
            wanted and not wanted & {one.lower() for one in issue.labels}
        )
        opened = self._open or set()
        return Ticket(
            ref=name_of(issue.number),
            id=str(issue.id),
            title=issue.title,
            description=issue.body,
            priority=_priority(issue.labels),
            assignee=agent,
            skills=skills,
            after=tuple(ref for ref in _waits_for(issue.body) if ref in opened),
            open=not over and not others,
            over=over,
            ours=bool(mine) and not others,
            taken_by=others[0] if others else "",
            started=bool(mine),
            overtook=others[0] if mine and others else "",
            changed=_moment(issue.updated_at),
            data={"url": issue.url, "state": issue.state},
        )


def _waits_for(body: str) -> list[str]:
    """The issues that a text says it is blocked by, or depends on."""
    found = [
        f"#{number}" for said in WAITS.findall(body[:20_000]) for number in NUMBER.findall(said)
    ]
    return list(dict.fromkeys(found))


def _priority(labels: Iterable[str]) -> Priority:
    """The highest that a label says, as in ``high`` or ``priority: high``."""
    words = (label.lower().removeprefix("priority").strip(" :/-") for label in labels)
    return max((PRIORITIES[one] for one in words if one in PRIORITIES), default=Priority.NORMAL)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
