"""An issue as Beads writes it, one line of JSON, in any of the shapes it has had."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from neveridle.board.storable import storable
from neveridle.board.task import Priority

PARENT = "parent-child"
BLOCKS = "blocks"

PRIORITIES = (Priority.URGENT, Priority.HIGH, Priority.NORMAL, Priority.LOW, Priority.LOW)
"""Ours, by that of Beads, from 0, the most urgent, to 4."""


@dataclass(frozen=True, slots=True)
class Tie:
    """A dependency of Beads: ``task`` is tied to ``other``; ``any_child``: the kind of gate."""

    task: str
    other: str
    kind: str
    any_child: bool = False


@dataclass(frozen=True, slots=True)
class Issue:
    """What matters of a record; times are seconds since 1970, None where there is none.

    Attributes:
        record: all of it, as it stands in the file.
        status: in lower case; ``open`` where it is missing.
        kind: the type of the issue; ``task`` where it is missing.
        pinned: whether it is a marker and no work.
        ephemeral: whether it is of the moment and no work.
    """

    id: str
    record: dict[str, Any]
    title: str
    status: str
    kind: str
    priority: Priority
    assignee: str
    pinned: bool
    ephemeral: bool
    created_at: float | None
    updated_at: float | None
    closed_at: float | None
    defer_until: float | None
    ties: tuple[Tie, ...]


def issue_from(record: dict[str, Any]) -> Issue | None:
    """The issue in a record; None: it has no id."""
    name = record.get("id")
    key = str(name).strip() if isinstance(name, str | int) and not isinstance(name, bool) else ""
    if not key:
        return None
    return Issue(
        id=storable(key),
        record=record,
        title=" ".join(_text(record, "title").split()) or key,
        status=_text(record, "status").lower() or "open",
        kind=(_text(record, "issue_type") or _text(record, "type")).lower() or "task",
        priority=_priority(record.get("priority")),
        assignee=_text(record, "assignee"),
        pinned=record.get("pinned") is True,
        ephemeral=record.get("ephemeral") is True or record.get("wisp") is True,
        created_at=moment(record.get("created_at")),
        updated_at=moment(record.get("updated_at")),
        closed_at=moment(record.get("closed_at")),
        defer_until=moment(record.get("defer_until")),
        ties=tuple(_ties(key, record)),
    )


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return value.strip() if isinstance(value, str) else ""


def _priority(value: object) -> Priority:
    """0 to 4, also as ``"P1"`` or ``"1"``; what is beyond counts as the nearest."""
    if isinstance(value, str):
        number = re.fullmatch(r"[pP]?(-?[0-9]{1,9})", value.strip())
        value = int(number[1]) if number else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return Priority.NORMAL
    return PRIORITIES[int(min(max(value, 0), 4))]


def moment(value: object) -> float | None:
    """Seconds since 1970 of a time as JSON has it; without a zone it is UTC."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if found.year <= 1:  # how Go writes that there is none
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _ties(key: str, record: Mapping[str, Any]) -> Iterator[Tie]:
    items = record.get("dependencies")
    has_parent = False
    for item in cast("list[object]", items) if isinstance(items, list) else []:
        tie = tie_from(key, item)
        if tie is not None:
            has_parent |= tie.kind == PARENT and tie.task == key
            yield tie
    parent = _text(record, "parent")
    if parent and not has_parent:
        yield Tie(key, parent, PARENT)


def tie_from(key: str, item: object) -> Tie | None:
    """A dependency: a record of the edge, the issue at its other end, or that one's id."""
    if isinstance(item, str):
        return Tie(key, item.strip(), BLOCKS) if item.strip() else None
    if not isinstance(item, dict):
        return None
    one = cast("dict[str, Any]", item)
    other = _text(one, "depends_on_id")
    task = _text(one, "issue_id") or key
    if not other:
        other, task = _text(one, "id"), key
    kind = (_text(one, "dependency_type") or _text(one, "type") or BLOCKS).lower()
    if not other:
        return None
    return Tie(task, other, kind, any_child=_gate(one.get("metadata")) == "any-children")


def _gate(metadata: object) -> object:
    import json

    if isinstance(metadata, str) and metadata.strip():
        try:
            metadata = json.loads(metadata)
        except ValueError:
            return None
    return cast("dict[str, Any]", metadata).get("gate") if isinstance(metadata, dict) else None
