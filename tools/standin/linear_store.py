"""What a stand-in for Linear holds, and how it is asked."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

STATES = (
    ("Triage", "triage"), ("Backlog", "backlog"), ("Todo", "unstarted"),
    ("In Progress", "started"), ("In Review", "started"), ("Done", "completed"),
    ("Canceled", "canceled"),
)  # fmt: skip


def number(*parts: object) -> str:
    """An id that is always the same for the same thing: a UUID of version 4's form."""
    made = uuid.uuid5(uuid.NAMESPACE_URL, "/".join(str(part) for part in parts))
    return str(uuid.UUID(bytes=made.bytes, version=4))


@dataclass(slots=True, kw_only=True)
class StoredIssue:
    """An issue; ``state``, ``assignee`` and ``labels`` are names."""

    id: str
    number: int
    title: str
    description: str = ""
    priority: int = 0
    state: str = "Todo"
    assignee: str | None = None
    labels: list[str] = field(default_factory=list[str])
    created_at: float = 0.0
    updated_at: float = 0.0
    archived_at: float | None = None
    trashed: bool = False
    history: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


class LinearStore:
    """One team of Linear's, with everything in it.

    Args:
        team: its key.
        viewer: whose the token is.
        people: who else is in it.
        now: seconds since 1970.
    """

    def __init__(
        self, team: str, viewer: str, people: Sequence[str], now: Callable[[], float]
    ) -> None:
        self.team = team
        self.viewer = viewer
        self.people = [viewer, *people]
        self.states = list(STATES)
        self.labels: list[str] = []
        self.issues: dict[str, StoredIssue] = {}
        self.relations: list[tuple[str, str, str]] = []
        self.comments: list[dict[str, Any]] = []
        self.attachments: list[dict[str, Any]] = []
        self._now = now
        self._last = 0.0
        self._numbers = 0

    def time(self) -> float:
        """The time of a change: later than that of any before."""
        self._last = max(self._now(), self._last + 0.001)
        return self._last

    # What people do.

    def add(self, title: str, *, id: str = "", **said: Any) -> str:
        """Make an issue; its identifier."""
        self._numbers += 1
        self.labels += [one for one in said.get("labels", []) if one not in self.labels]
        at = self.time()
        issue = StoredIssue(
            id=id or number("issue", self.team, self._numbers), number=self._numbers, title=title,
            created_at=at, updated_at=at, **said,
        )  # fmt: skip
        self.issues[issue.id] = issue
        return self.identifier(issue)

    def change(self, ref: str, **said: Any) -> None:
        """Change an issue's ``state``, ``assignee``, ``labels``, ``priority`` or text."""
        issue = self.find(ref)
        assert issue is not None, ref
        if "assignee" in said and said["assignee"] != issue.assignee:
            entry = {
                "id": number("history", issue.id, len(issue.history)),
                "createdAt": iso(self.time()),
                "fromAssigneeId": self._user_id(issue.assignee),
                "toAssigneeId": self._user_id(said["assignee"]),
            }
            issue.history.insert(0, entry)
        for name, value in said.items():
            setattr(issue, name, value)
        issue.updated_at = self.time()

    def block(self, blocker: str, blocked: str) -> None:
        """Let one issue block another."""
        one, other = self.find(blocker), self.find(blocked)
        assert one is not None
        assert other is not None
        self.relations.append(("blocks", one.id, other.id))
        one.updated_at = other.updated_at = self.time()

    def archive(self, ref: str) -> None:
        """Archive an issue."""
        self.change(ref, archived_at=self._now())

    # Looking.

    def find(self, ref: str) -> StoredIssue | None:
        """An issue by its id or identifier."""
        return self.issues.get(ref) or next(
            (one for one in self.issues.values() if self.identifier(one) == ref), None
        )

    def identifier(self, issue: StoredIssue) -> str:
        """Such as AGT-275."""
        return f"{self.team}-{issue.number}"

    def select(self, where: Mapping[str, Any], *, archived: bool) -> list[StoredIssue]:
        """The issues a filter lets through, the last changed first."""
        found = [
            one
            for one in self.issues.values()
            if (archived or (one.archived_at is None and not one.trashed))
            and fits(self.view(one), where)
        ]
        return sorted(found, key=lambda one: one.updated_at, reverse=True)

    def view(self, issue: StoredIssue) -> dict[str, Any]:
        """An issue as filters see it."""
        return {
            "id": issue.id,
            "number": issue.number,
            "team": {"key": self.team},
            "state": {"type": dict(self.states)[issue.state], "name": issue.state},
            "assignee": None if issue.assignee is None else self.user(issue.assignee),
            "labels": [{"name": name} for name in issue.labels],
            "priority": issue.priority,
            "updatedAt": iso(issue.updated_at),
        }

    # Answering, in the shapes of our fragments.

    def user(self, name: str) -> dict[str, Any]:
        """``UserParts``."""
        return {
            "id": number("user", name),
            "name": name,
            "displayName": name.lower(),
            "email": f"{name.lower().replace(' ', '.')}@example.org",
            "isMe": name == self.viewer,
        }

    def state(self, name: str) -> dict[str, Any]:
        """``StateParts``."""
        place = [one for one, _ in self.states].index(name)
        kind = self.states[place][1]
        state = number("state", self.team, name)
        return {"id": state, "name": name, "type": kind, "position": place * 100.5}

    def related(self, issue: StoredIssue) -> dict[str, Any]:
        """``RelatedParts``."""
        kind = {"type": dict(self.states)[issue.state]}
        return {"id": issue.id, "identifier": self.identifier(issue), "state": kind}

    def label(self, name: str) -> dict[str, Any]:
        """A label."""
        return {"id": number("label", self.team, name), "name": name}

    def relations_of(self, issue: StoredIssue, *, inverse: bool) -> list[dict[str, Any]]:
        """What an issue's ``relations`` or ``inverseRelations`` hold."""
        found: list[dict[str, Any]] = []
        for place, (kind, one, other) in enumerate(self.relations):
            mine, theirs = (other, one) if inverse else (one, other)
            if mine == issue.id:
                end = self.related(self.issues[theirs])
                name = "issue" if inverse else "relatedIssue"
                found.append({"id": number("relation", place), "type": kind, name: end})
        return found

    def issue(self, issue: StoredIssue) -> dict[str, Any]:
        """``IssueParts``."""
        archived = issue.archived_at
        return {
            "id": issue.id,
            "identifier": self.identifier(issue),
            "title": issue.title,
            "description": issue.description or None,
            "priority": issue.priority,
            "url": f"https://linear.example/{self.identifier(issue)}",
            "createdAt": iso(issue.created_at),
            "updatedAt": iso(issue.updated_at),
            "archivedAt": None if archived is None else iso(archived),
            "trashed": issue.trashed or None,
            "team": {"id": number("team", self.team), "key": self.team},
            "state": self.state(issue.state),
            "assignee": None if issue.assignee is None else self.user(issue.assignee),
            "labels": page([self.label(name) for name in issue.labels], 10, None),
            "relations": page(self.relations_of(issue, inverse=False), 10, None),
            "inverseRelations": page(self.relations_of(issue, inverse=True), 10, None),
        }

    def _user_id(self, name: str | None) -> str | None:
        return None if name is None else number("user", name)

    def name_of(self, user: str) -> str | None:
        """The name behind a user's id; None: there is no such user."""
        return next((name for name in self.people if number("user", name) == user), None)

    def state_named(self, state: str) -> str | None:
        """The name behind a state's id; None: there is no such state."""
        names = (name for name, _ in self.states)
        return next((name for name in names if number("state", self.team, name) == state), None)


def iso(at: float) -> str:
    """A time as Linear writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def page(nodes: Sequence[Any], first: int, after: str | None) -> dict[str, Any]:
    """One page of a connection."""
    begin = int(after.removeprefix("after:")) if after else 0
    end = begin + first
    more = {"hasNextPage": end < len(nodes), "endCursor": f"after:{min(end, len(nodes))}"}
    return {"nodes": list(nodes[begin:end]), "pageInfo": more}


def fits(value: Any, where: Mapping[str, Any]) -> bool:
    """Whether a value is what a filter, or a comparator in it, asks for."""
    return all(_fits(value, name, asked) for name, asked in where.items())


def _fits(value: Any, name: str, asked: Any) -> bool:
    match name:
        case "or":
            return any(fits(value, one) for one in asked)
        case "and":
            return all(fits(value, one) for one in asked)
        case "null":
            return (value is None) is asked
        case "some":
            some: Iterable[Any] = value
            return any(fits(one, asked) for one in some)
        case "eq":
            return bool(value == asked)
        case "in":
            return value in asked
        case "gte":
            return bool(value >= asked)
        case _:
            inner = cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None
            return inner is not None and fits(inner.get(name), asked)
