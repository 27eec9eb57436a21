"""The client of Linear."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from pydantic import BaseModel

from neveridle.errors import RequestRefused, ServiceError
from neveridle.tools.linear import documents
from neveridle.tools.linear.documents import Operation
from neveridle.tools.linear.failures import SERVICE, error_of_answer
from neveridle.tools.linear.limits import Limits
from neveridle.tools.linear.models import (
    Comment,
    InverseRelation,
    Issue,
    LinearTeam,
    Page,
    Relation,
    User,
    WorkflowState,
    parsed,
    part,
)
from neveridle.tools.linear.states import state_of
from neveridle.tools.services.http import ServiceHttp

if TYPE_CHECKING:
    import httpx

    from neveridle.errors import NeveridleError
    from neveridle.settings.services import LinearSettings
    from neveridle.tools.services.kit import ServiceKit

M = TypeVar("M", bound=BaseModel)

IDENTIFIER: Final = re.compile(r"([A-Za-z][A-Za-z0-9_]*)-([1-9][0-9]{0,8})")
PAGE: Final = 50
"""Issues of one page: half of what one query may cost."""
PAGES: Final = 100
"""Pages that are read of one list; who has more must ask for less."""
RELATION_PAGES: Final = 20
PARTIAL: Final = frozenset(one.name for one in documents.OPERATIONS if one.partial)


class Linear:
    """Linear, for one event loop; ``await aclose()`` at its end.

    Args:
        http: by which it is asked; see ``connect``.
        settings: which team, and what its states are called.
        limits: where it is kept what is left of its limits.
    """

    def __init__(self, http: ServiceHttp, settings: LinearSettings, limits: Limits) -> None:
        self._http = http
        self.settings = settings
        self.limits = limits
        self._viewer: User | None = None
        self._teams: dict[str, LinearTeam] = {}

    @classmethod
    def connect(cls, settings: LinearSettings, kit: ServiceKit) -> Linear:
        """The client that settings describe; nothing is asked yet."""
        limits = Limits()

        def classify(response: httpx.Response, said: str, data: Any) -> NeveridleError | None:
            limits.note(response.headers)
            asked = json.loads(response.request.content or b"{}").get("operationName")
            return error_of_answer(
                response.status_code, response.headers, data, partial=asked in PARTIAL
            )

        token = kit.token(settings)
        http = ServiceHttp(
            kit.guard(settings),
            settings.url,
            headers={"Authorization": token} if token else {},
            timeout=settings.timeout,
            classify=classify,
            transport=kit.transport_of(settings.name),
        )
        return cls(http, settings, limits)

    async def aclose(self) -> None:
        """Close all connections; may be called twice."""
        await self._http.aclose()

    async def ask(self, operation: Operation, **variables: Any) -> dict[str, Any]:
        """Perform an operation; its data.

        Args:
            operation: one of ``documents``.
            variables: its variables; None is left out.

        Raises:
            RequestRefused: Linear said no.
            AccessRefused: it does not take our token, or it may not do this.
            RateLimited: a limit is used up; ``wait`` says for how long.
            ServiceError: it failed; of a write nobody knows whether it was done.
        """
        body = {
            "query": operation.document,
            "operationName": operation.name,
            "variables": {key: one for key, one in variables.items() if one is not None},
        }
        answer = await self._http.request("POST", "", body=body, repeatable=operation.repeats)
        data: object = part(answer.json(), "data")
        if not isinstance(data, dict):
            msg = "linear answered without data."
            raise ServiceError(msg, service=SERVICE)
        return cast("dict[str, Any]", data)

    async def viewer(self) -> User:
        """Whose the token is; asked once."""
        if self._viewer is None:
            data = await self.ask(documents.VIEWER)
            self._viewer = parsed(User, part(data, "viewer"), "viewer")
        return self._viewer

    async def team(self, key: str, *, again: bool = False) -> LinearTeam:
        """A team with its states, labels and members; asked once unless ``again``.

        Raises:
            RequestRefused: there is no such team, or the token may not see it.
        """
        if again or key not in self._teams:
            found = await self.teams(key)
            if not found:
                msg = f"Linear shows no team {key}."
                remedy = "Set services.linear.team to a key such as AGT, of a team the token sees."
                raise RequestRefused(msg, remedy=remedy)
            self._teams[key] = found[0]
        return self._teams[key]

    async def teams(self, key: str = "") -> list[LinearTeam]:
        """The teams that the token sees, at most 500.

        Args:
            key: only the one of this key; empty: all.
        """
        which = {"key": {"eq": key}} if key else None
        return [
            one
            async for one in self._pages(
                documents.TEAMS, "teams", LinearTeam, first=5, limit=500, filter=which
            )
        ]

    async def issues(
        self,
        where: Mapping[str, Any],
        *,
        first: int = PAGE,
        archived: bool = False,
        limit: int = PAGES * PAGE,
    ) -> list[Issue]:
        """The issues that a filter lets through, the last changed first, with all relations.

        Args:
            where: an ``IssueFilter``; see ``issue_filter``.
            first: issues of the first page; those that follow have up to ``PAGE``.
            archived: whether archived and trashed ones are among them.
            limit: at most so many.

        Raises:
            RequestRefused: there are more than ``limit``.
        """
        found = [
            one
            async for one in self._pages(
                documents.ISSUES, "issues", Issue, first=first, limit=limit,
                filter=dict(where), archived=archived,
            )
        ]  # fmt: skip
        return [one if one.whole else await self._related(one) for one in found]

    async def look(self, ref: str) -> Issue | None:
        """One issue as it is now, with who it was assigned to lately; None: there is none.

        Args:
            ref: its identifier, such as AGT-275, or its id.
        """
        named = IDENTIFIER.fullmatch(ref)
        where: dict[str, Any] = {"id": {"eq": ref}}
        if named is not None:
            where = {"team": {"key": {"eq": named[1].upper()}}, "number": {"eq": int(named[2])}}
        data = await self.ask(documents.LOOK, filter=where)
        nodes = part(data, "issues", "nodes")
        if not nodes:
            return None
        issue = parsed(Issue, nodes[0], "issues")
        return issue if issue.whole else await self._related(issue)

    async def _related(self, issue: Issue) -> Issue:
        """The same issue with all its relations, of which a page holds the first ten only."""
        relations, inverse = list(issue.relations.nodes), list(issue.inverse_relations.nodes)
        after, back = issue.relations.page_info, issue.inverse_relations.page_info
        for _ in range(RELATION_PAGES):
            if not (after.has_next_page or back.has_next_page):
                break
            data = await self.ask(
                documents.RELATIONS, id=issue.id, first=PAGE,
                after=after.end_cursor, inverseAfter=back.end_cursor,
            )  # fmt: skip
            more = parsed(Page[Relation], part(data, "issue", "relations"), "relations")
            known = part(data, "issue", "inverseRelations")
            others = parsed(Page[InverseRelation], known, "inverseRelations")
            if after.has_next_page:
                relations += more.nodes
            if back.has_next_page:
                inverse += others.nodes
            after, back = more.page_info, others.page_info
        whole = {
            "relations": Page(nodes=tuple(relations), page_info=after),
            "inverse_relations": Page(nodes=tuple(inverse), page_info=back),
        }
        return issue.model_copy(update=whole)

    async def comments(self, ref: str, *, limit: int = 100) -> list[Comment]:
        """The comments on an issue, at most ``limit``.

        Args:
            ref: its identifier or its id.
            limit: how many at most.
        """
        issue = await self.look(ref)
        if issue is None:
            msg = f"Linear has no issue {ref}."
            raise RequestRefused(msg)
        where = {"issue": {"id": {"eq": issue.id}}}
        pages = self._pages(
            documents.COMMENTS, "comments", Comment, first=min(limit, PAGE), limit=limit,
            filter=where, cut=True,
        )  # fmt: skip
        return [one async for one in pages]

    async def comment_of(self, number: str) -> Comment | None:
        """A comment by its id; None: there is none."""
        where = {"id": {"eq": number}}
        pages = self._pages(
            documents.COMMENTS, "comments", Comment, first=1, limit=1, filter=where, cut=True
        )
        found = [one async for one in pages]
        return found[0] if found else None

    async def state(self, team: str, word: str) -> WorkflowState:
        """The state of a team's workflow that stands for a word of ours.

        Args:
            team: the team's key.
            word: started, review, done or reopened; see ``state_of``.

        Raises:
            RequestRefused: the workflow has none of the kind.
        """
        for again in (False, True):  # a person may have changed the workflow since
            states = (await self.team(team, again=again)).states.nodes
            found = state_of(states, word, self.settings.states.get(word, ""))
            if found is not None:
                return found
        msg = f"The workflow of Linear's team {team} has no state for '{word}'."
        raise RequestRefused(msg, remedy=f'Name one: [services.linear.states] {word} = "…".')

    async def create(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Make an issue.

        Args:
            fields: an ``IssueCreateInput``, with an ``id`` made by us.
        """
        data = await self.ask(documents.CREATE, input=dict(fields))
        return _written(data, "issueCreate", "issue")

    async def update(self, ref: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change an issue.

        Args:
            ref: its identifier or its id.
            fields: an ``IssueUpdateInput``; None in it is sent, and empties a field.
        """
        data = await self.ask(documents.UPDATE, id=ref, input=dict(fields))
        return _written(data, "issueUpdate", "issue")

    async def comment(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Comment on an issue.

        Args:
            fields: a ``CommentCreateInput``, with an ``id`` made by us.
        """
        data = await self.ask(documents.COMMENT, input=dict(fields))
        return _written(data, "commentCreate", "comment")

    async def attach(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Attach a link to an issue; Linear changes the one there is of the same address.

        Args:
            fields: an ``AttachmentCreateInput``.
        """
        data = await self.ask(documents.ATTACH, input=dict(fields))
        return _written(data, "attachmentCreate", "attachment")

    async def _pages(
        self,
        operation: Operation,
        name: str,
        model: type[M],
        *,
        first: int,
        limit: int,
        cut: bool = False,
        **variables: Any,
    ) -> AsyncGenerator[M]:
        """What a connection holds, page by page.

        Raises:
            RequestRefused: there is more than ``limit``, unless ``cut`` says to leave it.
        """
        after: str | None = None
        count = 0
        while True:
            data = await self.ask(operation, first=first, after=after, **variables)
            page = parsed(Page[Any], part(data, name), name)
            for node in page.nodes[: limit - count]:
                yield parsed(model, node, name)
            count += len(page.nodes)
            more = page.page_info.has_next_page and bool(page.nodes)
            if not cut and (count > limit or (more and count == limit)):
                msg = f"Linear has more than {limit} {name} that fit."
                raise RequestRefused(msg, remedy="Narrow them, as with labels in [tracker].")
            if not more or count >= limit:
                return
            after, first = page.page_info.end_cursor, max(first, _page_of(operation, first))


def _page_of(operation: Operation, first: int) -> int:
    return PAGE if operation is documents.ISSUES else first


def _written(data: Mapping[str, Any], name: str, what: str) -> dict[str, Any]:
    if part(data, name, "success") is not True:
        msg = f"linear did not do {name}."
        raise RequestRefused(msg)
    found: dict[str, Any] = dict(part(data, name, what))
    return found


def issue_filter(
    team: str,
    *,
    types: Sequence[str] = (),
    labels: Sequence[str] = (),
    assignee: str | None = None,
    unassigned: bool = False,
    priorities: Sequence[int] = (),
    since: str = "",
) -> dict[str, Any]:
    """An ``IssueFilter``.

    Args:
        team: the team's key.
        types: types of states; empty: all.
        labels: names, of which an issue has at least one; empty: any or none.
        assignee: the id of whom they are assigned to; None: anybody.
        unassigned: whether those that nobody has are wanted besides.
        priorities: 1 urgent to 4 low, 0 none; empty: all.
        since: changed at that moment or later, in ISO 8601; empty: ever.
    """
    where: dict[str, Any] = {"team": {"key": {"eq": team}}}
    if types:
        where["state"] = {"type": {"in": list(types)}}
    if labels:
        where["labels"] = {"some": {"name": {"in": list(labels)}}}
    if priorities:
        where["priority"] = {"in": list(priorities)}
    if since:
        where["updatedAt"] = {"gte": since}
    if assignee is not None and unassigned:
        where["or"] = [{"assignee": {"id": {"eq": assignee}}}, {"assignee": {"null": True}}]
    elif assignee is not None:
        where["assignee"] = {"id": {"eq": assignee}}
    elif unassigned:
        where["assignee"] = {"null": True}
    return where
