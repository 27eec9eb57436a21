"""A stand-in for Linear that knows the operations we send, and no others.

::

    with LinearStandin(token="t") as linear:
        ref = linear.store.add("Fix the login", labels=["python"])
        ...  # ask linear.url
        linear.store.change(ref, assignee="Ada", state="In Progress")
        linear.faults.append(HttpFault("status", on="NeveridleUpdate", status=502))

GraphQL errors inside a 200 are planned with ``graphql_fault``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from neveridle.tools.linear.documents import (
    LONGEST_QUERY,
    OPERATIONS,
    POINTS_PER_HOUR,
    REQUESTS_PER_HOUR,
)
from neveridle.tools.standin.exchange import Answer, StandinRequest
from neveridle.tools.standin.http import HttpStandin
from neveridle.tools.standin.http_fault import HttpFault
from neveridle.tools.standin.linear_store import LinearStore, StoredIssue, iso, number, page

HOUR: Final = 3600.0
KNOWN: Final = {one.name: one for one in OPERATIONS}


class LinearStandin(HttpStandin):
    """Linear on 127.0.0.1, with one team.

    Args:
        token: the API key that is taken.
        team: the team's key.
        viewer: whose the key is.
        people: who else is in the team.
        requests: requests an hour.
        points: points of complexity an hour.
        now: seconds since 1970.

    Attributes:
        store: what it holds.
        meanwhile: what somebody else does right after an operation was worked on, by the
            operation's name; each happens once.
    """

    def __init__(
        self,
        *,
        token: str = "",
        team: str = "AGT",
        viewer: str = "Neveridle",
        people: Sequence[str] = ("Ada", "Grace"),
        requests: int = REQUESTS_PER_HOUR,
        points: float = POINTS_PER_HOUR,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(token=token, now=now)
        self.store = LinearStore(team, viewer, people, now)
        self.meanwhile: list[tuple[str, Callable[[], None]]] = []
        self.limit(requests=requests, points=points)
        self._seen = now()

    def name(self, request: StandinRequest) -> str:
        """The operation's name."""
        try:
            return str(request.json["operationName"])
        except (ValueError, KeyError, TypeError):
            return f"{request.method} {request.path}"

    def handle(self, request: StandinRequest) -> Answer:
        """See ``HttpStandin``."""
        if not request.authorized:
            said = "Authentication required, not authenticated"
            return errors(said, "authentication error", "AUTHENTICATION_ERROR", status=401)
        operation = KNOWN.get(self.name(request))
        body = request.json
        if operation is None or body.get("query") != operation.document:
            said = "This operation is not known here."
            return errors(said, "graphql error", "GRAPHQL_VALIDATION_FAILED", status=400)
        variables: dict[str, Any] = body["variables"]
        points = operation.points(variables.get("first", 0))
        if points > LONGEST_QUERY:
            return errors("Query too complex", "invalid input", "INPUT_ERROR", status=400)
        headers, allowed = self._spend(points)
        if not allowed:
            said = "Rate limit exceeded"
            return errors(said, "ratelimited", "RATELIMITED", status=400, headers=headers)
        answer = getattr(self, f"_{operation.name.removeprefix('Neveridle').lower()}")(variables)
        for place, (name, act) in enumerate(self.meanwhile):
            if name == operation.name:
                del self.meanwhile[place]
                act()
                break
        if isinstance(answer, Answer):
            return Answer(answer.status, answer.json, {**headers, **answer.headers})
        return Answer(200, {"data": answer}, headers)

    def limit(self, *, requests: int, points: float = POINTS_PER_HOUR) -> None:
        """Allow so much an hour from now on, none of which is used up yet."""
        with self.lock:
            self._limits = (float(requests), float(points))
            self._left = [*self._limits]

    def asked(self, name: str = "") -> int:
        """How many requests came, of one operation or of all."""
        return sum(1 for one in self.requests if not name or self.name(one) == name)

    def webhook(self, secret: str, said: dict[str, Any] | None = None) -> tuple[bytes, Any]:
        """A webhook's body and headers, signed with a secret."""
        at = int(self.now() * 1000)
        body = {"action": "update", "type": "Issue", "webhookTimestamp": at, **(said or {})}
        data = json.dumps(body).encode()
        made = hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
        return data, {"Linear-Signature": made, "Linear-Event": "Issue"}

    def _spend(self, points: float) -> tuple[dict[str, str], bool]:
        """Take a request's points out of both buckets, which fill up all the time."""
        now = self.now()
        passed, self._seen = max(now - self._seen, 0.0), now
        for place, limit in enumerate(self._limits):
            self._left[place] = min(self._left[place] + passed * limit / HOUR, limit)
        allowed = self._left[0] >= 1 and self._left[1] >= points
        if allowed:
            self._left[0] -= 1
            self._left[1] -= points
        reset = str(int((now + HOUR) * 1000))
        names = ("Requests", "Complexity")
        headers = {"X-Complexity": f"{points:.0f}"}
        for name, limit, left in zip(names, self._limits, self._left, strict=True):
            headers[f"X-RateLimit-{name}-Limit"] = f"{limit:.0f}"
            headers[f"X-RateLimit-{name}-Remaining"] = f"{left if allowed else 0:.0f}"
            headers[f"X-RateLimit-{name}-Reset"] = reset
        return headers, allowed

    # The operations.

    def _viewer(self, variables: dict[str, Any]) -> Any:
        return {"viewer": self.store.user(self.store.viewer)}

    def _teams(self, variables: dict[str, Any]) -> Any:
        store = self.store
        wanted = variables.get("filter", {}).get("key", {}).get("eq", store.team)
        team = {
            "id": number("team", store.team),
            "key": store.team,
            "name": f"Team {store.team}",
            "states": page([store.state(name) for name, _ in store.states], 50, None),
            "labels": page([store.label(name) for name in store.labels], 100, None),
            "members": page([store.user(name) for name in store.people], 100, None),
        }
        found = [team] if wanted == store.team else []
        return {"teams": page(found, variables["first"], variables.get("after"))}

    def _issues(self, variables: dict[str, Any]) -> Any:
        where, archived = variables.get("filter", {}), variables.get("archived", False)
        found = self.store.select(where, archived=archived)
        nodes = [self.store.issue(one) for one in found]
        return {"issues": page(nodes, variables["first"], variables.get("after"))}

    def _look(self, variables: dict[str, Any]) -> Any:
        found = self.store.select(variables["filter"], archived=True)[:1]
        nodes = [{**self.store.issue(one), "history": {"nodes": one.history[:10]}} for one in found]
        return {"issues": page(nodes, 1, None)}

    def _relations(self, variables: dict[str, Any]) -> Any:
        issue = self.store.find(variables["id"])
        if issue is None:
            return missing("Issue")
        first = variables["first"]
        whole = {
            "relations": page(
                self.store.relations_of(issue, inverse=False), first, variables.get("after")
            ),
            "inverseRelations": page(
                self.store.relations_of(issue, inverse=True), first, variables.get("inverseAfter")
            ),
        }
        return {"issue": whole}

    def _comments(self, variables: dict[str, Any]) -> Any:
        where = variables.get("filter", {})
        wanted = where.get("issue", {}).get("id", {}).get("eq")
        one = where.get("id", {}).get("eq")
        nodes = [
            comment["said"]
            for comment in reversed(self.store.comments)
            if wanted in (None, comment["issue"]) and one in (None, comment["said"]["id"])
        ]
        return {"comments": page(nodes, variables["first"], variables.get("after"))}

    def _create(self, variables: dict[str, Any]) -> Any:
        given = variables["input"]
        if given["id"] in self.store.issues:
            return errors("An issue of this id exists.", "invalid input", "INPUT_ERROR")
        names = [
            name for name in self.store.labels
            if number("label", self.store.team, name) in given.get("labelIds", [])
        ]  # fmt: skip
        self.store.add(
            given["title"], id=given["id"], description=given.get("description", ""),
            priority=given.get("priority", 0), labels=names, state="Backlog",
        )  # fmt: skip
        return {"issueCreate": {"success": True, "issue": self._made(given["id"])}}

    def _made(self, issue: str) -> dict[str, Any]:
        whole = self.store.issue(self.store.issues[issue])
        return {name: whole[name] for name in ("id", "identifier", "title", "url")}

    def _update(self, variables: dict[str, Any]) -> Any:
        issue, given = self.store.find(variables["id"]), variables["input"]
        if issue is None:
            return missing("Issue")
        changes: dict[str, Any] = {}
        if "stateId" in given:
            changes["state"] = self.store.state_named(given["stateId"])
        if "assigneeId" in given:
            user = given["assigneeId"]
            changes["assignee"] = None if user is None else self.store.name_of(user)
            if user is not None and changes["assignee"] is None:
                return missing("User")
        if changes.get("state", "") is None:
            return missing("WorkflowState")
        self.store.change(issue.id, **changes)
        return {"issueUpdate": {"success": True, "issue": self._updated(issue)}}

    def _updated(self, issue: StoredIssue) -> dict[str, Any]:
        whole = self.store.issue(issue)
        return {name: whole[name] for name in ("id", "identifier", "state", "assignee")}

    def _comment(self, variables: dict[str, Any]) -> Any:
        given = variables["input"]
        issue = self.store.find(given["issueId"])
        if issue is None:
            return missing("Issue")
        if any(one["said"]["id"] == given["id"] for one in self.store.comments):
            return errors("A comment of this id exists.", "invalid input", "INPUT_ERROR")
        url = f"https://linear.example/{self.store.identifier(issue)}#{given['id'][:8]}"
        said = {
            "id": given["id"],
            "body": given["body"],
            "createdAt": iso(self.store.time()),
            "url": url,
            "user": self.store.user(self.store.viewer),
        }
        self.store.comments.append({"issue": issue.id, "said": said})
        return {"commentCreate": {"success": True, "comment": {"id": given["id"], "url": url}}}

    def _attach(self, variables: dict[str, Any]) -> Any:
        given = variables["input"]
        issue = self.store.find(given["issueId"])
        if issue is None:
            return missing("Issue")
        made = {
            "id": number("attachment", issue.id, given["url"]),
            "url": given["url"],
            "title": given["title"],
        }
        kept = [one for one in self.store.attachments if one["id"] != made["id"]]
        self.store.attachments = [*kept, made]
        return {"attachmentCreate": {"success": True, "attachment": made}}


def errors(
    message: str, kind: str, code: str, *, status: int = 200, headers: dict[str, str] | None = None,
    data: Any = None,
) -> Answer:  # fmt: skip
    """An answer with one GraphQL error, as Linear gives it."""
    extensions = {"type": kind, "code": code, "userError": kind == "invalid input"}
    said = {"data": data, "errors": [{"message": message, "extensions": extensions}]}
    return Answer(status, said, headers or {})


def graphql_fault(
    kind: str, code: str, *, on: str = "*", data: Any = None, times: int = 1, status: int = 200
) -> HttpFault:
    """A planned GraphQL error; with ``data`` a partial one."""
    said = errors(f"planned: {kind}", kind, code, data=data).json
    return HttpFault("status", on=on, status=status, said=said, times=times)


def missing(what: str) -> Answer:
    """There is no such thing."""
    return errors(f"Entity not found: {what}", "invalid input", "INPUT_ERROR")
