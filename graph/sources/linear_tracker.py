"""Linear as the backlog."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from neveridle.agents.roster import Roster
from neveridle.board import Priority
from neveridle.graph.sources.roles import asked_of
from neveridle.graph.sources.tracker import OutsideTracker, Reading, Ticket, Write
from neveridle.tools.linear.client import issue_filter
from neveridle.tools.linear.verbs import linear_verbs

if TYPE_CHECKING:
    from neveridle.settings import Settings
    from neveridle.tools.linear.client import Linear
    from neveridle.tools.linear.models import Issue, User

OPEN: Final = ("triage", "backlog", "unstarted", "started")
UNSTARTED: Final = ("backlog", "unstarted")
PRIORITIES: Final = {1: Priority.URGENT, 2: Priority.HIGH, 3: Priority.NORMAL, 4: Priority.LOW}
FEW: Final = 10
"""Issues of a look's first page: what it costs goes by what is asked for, not by what comes."""
SPARE: Final = ((0.1, 10.0), (0.25, 4.0), (0.5, 2.0))
"""Below which share of a limit is left, how many times longer the interval becomes."""


class LinearTracker(OutsideTracker):
    """The issues of one Linear team.

    Args:
        client: Linear's.
        settings: the team's.
        roster: whose names, roles and skills labels can be.
    """

    name = "linear"

    def __init__(self, client: Linear, settings: Settings, roster: Roster) -> None:
        self.client = client
        self.verbs = linear_verbs(client)
        self._verb = {verb.name: verb for verb in self.verbs}
        self._settings = settings
        self._roster = roster
        self._team = client.settings.team
        self._users: dict[str, str] = {}

    def interval(self) -> float:
        """See ``OutsideTracker``."""
        left = self.client.limits.left
        times = next((times for below, times in SPARE if left < below), 1.0)
        return self._settings.tracker.poll * times

    async def read(self, cursor: str, *, whole: bool) -> Reading:
        """See ``OutsideTracker``."""
        agents = await self._agents()
        wanted = self._settings.tracker.labels
        whole = whole or not cursor
        if whole:
            where = issue_filter(self._team, types=OPEN, labels=wanted)
            issues = await self.client.issues(where, first=FEW)
        else:
            where = issue_filter(self._team, since=cursor)
            issues = await self.client.issues(where, first=FEW, archived=True)
        newest = max([cursor, *(one.updated_at for one in issues)])
        return Reading(newest, tuple(self._ticket(one, agents) for one in issues), whole)

    async def look(self, ref: str) -> Ticket | None:
        """See ``OutsideTracker``."""
        issue = await self.client.look(ref)
        return None if issue is None else self._ticket(issue, await self._agents())

    async def take(self, ref: str, agent: str) -> Write:
        """See ``OutsideTracker``."""
        agents = await self._agents()
        viewer = (await self.client.viewer()).id
        user = next((user for user, name in agents.items() if name == agent), viewer)
        return Write(self._verb["take"], ref, {"user": user, "ours": sorted({*agents, viewer})})

    async def give_back(self, ref: str, to: str) -> Write:
        """See ``OutsideTracker``."""
        return Write(self._verb["assign"], ref, {"user": to or None})

    def move(self, ref: str, state: str) -> Write:
        """See ``OutsideTracker``."""
        return Write(self._verb["set_state"], ref, {"state": state})

    def make(self, title: str, description: str, fingerprint: str) -> Write:
        """See ``OutsideTracker``; the issue's id is made of the fingerprint."""
        named = uuid.uuid5(uuid.NAMESPACE_URL, f"neveridle:{self._team}:{fingerprint}")
        number = str(uuid.UUID(bytes=named.bytes, version=4))
        request = {"id": number, "title": title, "description": description}
        return Write(self._verb["create"], self._team, request)

    def made(self, result: Any) -> str:
        """See ``OutsideTracker``."""
        return str(result["issue"])

    async def _agents(self) -> Mapping[str, str]:
        """Agents by the ids of their users; that of the token's owner stands for nobody."""
        if not self._users:
            self._users = {(await self.client.viewer()).id: ""}
            named = {
                one.tracker_user.strip().lower(): name
                for name, one in self._settings.agents.items()
                if one.tracker_user.strip()
            }
            if named:
                members = (await self.client.team(self._team)).members.nodes
                self._users |= {
                    one.id: named[word] for one in members for word in _words(one) if word in named
                }
        return self._users

    def _ticket(self, issue: Issue, agents: Mapping[str, str]) -> Ticket:
        user = issue.assignee
        ours = user is not None and user.id in agents
        agent, skills = asked_of(issue.label_names, self._roster)
        if user is not None and ours:
            agent = agents[user.id] or agent
        kind = issue.state.type
        wanted = self._settings.tracker.labels
        labelled = not wanted or bool(
            {one.lower() for one in wanted} & {one.lower() for one in issue.label_names}
        )
        return Ticket(
            ref=issue.identifier,
            id=issue.id,
            title=issue.title,
            description=issue.description or "",
            priority=PRIORITIES.get(int(issue.priority), Priority.NORMAL),
            assignee=agent,
            skills=skills,
            after=tuple(one.identifier for one in issue.blocked_by if not one.over),
            open=labelled and not issue.over and _open(kind, assigned=user is not None, ours=ours),
            over=issue.over or not labelled,
            ours=ours,
            taken_by="" if user is None or ours else user.display_name,
            started=kind == "started",
            overtook=_overtook(issue, agents),
            changed=issue.updated_at,
            data={"url": issue.url, "state": issue.state.name},
        )


def _open(kind: str, *, assigned: bool, ours: bool) -> bool:
    if kind in UNSTARTED:
        return ours or not assigned
    return kind == "started" and ours


def _overtook(issue: Issue, agents: Mapping[str, str]) -> str:
    """Whose it was before the assignment that made it ours."""
    if issue.assignee is None or issue.assignee.id not in agents or issue.history is None:
        return ""
    for change in issue.history.nodes:  # the newest first
        if change.to_assignee_id == issue.assignee.id:
            before = change.from_assignee_id
            return "" if before is None or before in agents else before
    return ""


def _words(user: User) -> tuple[str, ...]:
    return tuple({one.lower() for one in (user.id, user.email, user.name, user.display_name)})
