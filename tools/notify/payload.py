"""What a webhook or a command is told of an item."""

from __future__ import annotations

import json
from typing import Any, Final, cast

from neveridle.board.inbox_item import code_of
from neveridle.board.notices import Taken
from neveridle.tools.redact import redact

VERSION: Final = 1
"""Of the form; fields may be added to it, and none changes its meaning."""
EVIDENCE: Final = 16_000
"""Characters of evidence; what is longer stays on the board."""


def payload_of(taken: Taken, *, team: str) -> dict[str, Any]:
    """One raise of an item as plain JSON, without secrets.

    Args:
        taken: the notice.
        team: the team's name, for who is told by several.
    """
    item = taken.item
    evidence = item.evidence if len(json.dumps(item.evidence)) <= EVIDENCE else {"cut": True}
    said = {
        "version": VERSION, "key": taken.key, "team": team, "item": item.id,
        "kind": str(item.kind), "level": item.level, "code": code_of(item.fingerprint),
        "fingerprint": item.fingerprint, "title": item.title, "body": item.body,
        "action": item.action, "agent": item.agent, "task": item.task, "count": item.count,
        "raise": taken.notice.raise_, "created_at": item.created_at, "evidence": evidence,
    }  # fmt: skip
    cleaned: dict[str, Any] = clean(said)
    return cleaned


def clean(value: Any) -> Any:
    """Plain JSON with the secrets taken out of all its words, names included."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {redact(name): clean(one) for name, one in fields.items()}
    if isinstance(value, list):
        items: list[Any] = [*value]
        return [clean(one) for one in items]
    return value
