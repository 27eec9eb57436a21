"""The stand-ins for services in a play: made from a file, kept in one while it lasts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import ConfigDict, Field, ValidationError

from neveridle.errors import RecordingInvalid
from neveridle.evals.faults.trigger import Table

if TYPE_CHECKING:
    from neveridle.tools.standin.linear import LinearStandin

TOKEN = "a-token-of-a-stand-in"


class StartComment(Table):
    """A comment that is there at the start."""

    body: str
    by: str = "Ada"


class StartIssue(Table):
    """An issue that is there at the start; its identifier is ``TEAM-`` and its place, from 1.

    Attributes:
        priority: as Linear counts: 0 none, 1 urgent, 2 high, 3 medium, 4 low.
        blocks: identifiers of issues that it blocks.
    """

    title: str
    description: str = ""
    labels: list[str] = Field(default_factory=list[str])
    priority: int = Field(default=0, ge=0, le=4)
    state: str = "Todo"
    assignee: str | None = None
    comments: tuple[StartComment, ...] = ()
    blocks: tuple[str, ...] = ()


class LinearStart(Table):
    """What a stand-in for Linear holds at the start.

    Attributes:
        team: the team's key.
        viewer: whose the token is.
        people: who else is in the team.
        requests: how many requests an hour it allows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    team: str = "AGT"
    viewer: str = "Neveridle"
    people: tuple[str, ...] = ("Ada", "Grace")
    requests: int = Field(default=5000, ge=1)
    issues: tuple[StartIssue, ...] = ()


class LinearState:
    """A stand-in for Linear, and what it was asked, also by processes that were killed.

    Args:
        start: the file that says what it holds at the start.
        kept: the file in which it is kept.
        now: the board's time, in seconds since 1970.
    """

    def __init__(self, start: Path, kept: Path, now: Callable[[], float]) -> None:
        from neveridle.tools.standin.linear import LinearStandin

        said = read_start(start)
        self._kept = kept
        self._before: list[dict[str, Any]] = []
        self.standin: LinearStandin = LinearStandin(
            token=TOKEN, team=said.team, viewer=said.viewer, people=said.people,
            requests=said.requests, now=now,
        )  # fmt: skip
        if kept.is_file():
            self._restore(json.loads(kept.read_text(encoding="utf-8")))
        else:
            self._begin(said)

    def _begin(self, said: LinearStart) -> None:
        store = self.standin.store
        for one in said.issues:
            ref = store.add(
                one.title, description=one.description, labels=list(one.labels),
                priority=one.priority, state=one.state, assignee=one.assignee,
            )  # fmt: skip
            for comment in one.comments:
                self.comment(ref, comment.body, by=comment.by)
        for place, one in enumerate(said.issues, start=1):
            for blocked in one.blocks:
                store.block(f"{said.team}-{place}", blocked)

    def find(self, wanted: str) -> str | None:
        """The identifier of an issue, by it or by a part of its title; None: there is none."""
        store = self.standin.store
        found = store.find(wanted) or next(
            (one for one in store.issues.values() if wanted.lower() in one.title.lower()), None
        )
        return None if found is None else store.identifier(found)

    def comment(self, ref: str, text: str, *, by: str) -> None:
        """Somebody comments on an issue."""
        from neveridle.tools.standin.linear_store import iso, number

        store = self.standin.store
        issue = store.find(ref)
        assert issue is not None, ref
        made = number("comment", issue.id, len(store.comments))
        said = {
            "id": made, "body": text, "createdAt": iso(store.time()), "user": store.user(by),
            "url": f"https://linear.example/{ref}#{made[:8]}",
        }  # fmt: skip
        store.comments.append({"issue": issue.id, "said": said})
        issue.updated_at = store.time()

    def save(self) -> None:
        """Write all of it to the file, for the next process."""
        store = self.standin.store
        kept = {
            "issues": [asdict(one) for one in store.issues.values()],
            "requests": self.requests(),
            **{name: getattr(store, name) for name in _KEPT},
        }
        draft = self._kept.with_name(f"{self._kept.name}.tmp")
        draft.write_text(json.dumps(kept), encoding="utf-8")
        draft.replace(self._kept)

    def _restore(self, kept: Mapping[str, Any]) -> None:
        from neveridle.tools.standin.linear_store import StoredIssue

        store = self.standin.store
        for one in kept["issues"]:
            store.issues[one["id"]] = StoredIssue(**one)
        for name in _KEPT:
            setattr(store, name, kept[name])
        store.relations = [cast("Any", tuple(one)) for one in kept["relations"]]
        self._before = list(kept["requests"])

    def requests(self) -> list[dict[str, Any]]:
        """What it was asked, in order, with the input of what writes."""
        found: list[dict[str, Any]] = []
        for one in self.standin.exchanges:
            try:
                said: dict[str, Any] = one.request.json["variables"]
            except (ValueError, KeyError, TypeError):
                said = {}
            found.append(
                {
                    "at": one.request.time,
                    "name": self.standin.name(one.request),
                    "status": 0 if one.answer is None else one.answer.status,
                    "id": said.get("id", ""),
                    "input": said.get("input", {}),
                }
            )
        return [*self._before, *found]

    def state(self) -> dict[str, Any]:
        """What it holds: issues with their comments and attachments, and its requests."""
        store = self.standin.store
        return {
            "issues": [
                {
                    "ref": store.identifier(one), "title": one.title, "state": one.state,
                    "description": one.description, "assignee": one.assignee,
                    "labels": list(one.labels), "priority": one.priority,
                    "comments": [
                        {"id": said["said"]["id"], "body": said["said"]["body"],
                         "by": said["said"]["user"]["name"]}
                        for said in store.comments if said["issue"] == one.id
                    ],
                }
                for one in store.issues.values()
            ],
            "attachments": list(store.attachments),
            "requests": self.requests(),
        }  # fmt: skip


_KEPT = ("labels", "relations", "comments", "attachments", "_last", "_numbers")


def read_start(path: Path) -> LinearStart:
    """What a stand-in for Linear holds at the start.

    Raises:
        RecordingInvalid: with the file and what is wrong in it.
    """
    try:
        return LinearStart.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror})."
        raise RecordingInvalid(msg, remedy="`services` in [start] names it.") from error
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        msg = f"{path}: {'; '.join(wrong[:5])}."
        raise RecordingInvalid(msg, remedy="docs/evals_faults.md describes the file.") from None
