"""The document of a handoff, made from what the worker said and what verify saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from neveridle.board import HandoffDocument


def document_of(
    outcome: Mapping[str, Any],
    *,
    changed: Sequence[str] = (),
    checks: Sequence[str] = (),
    branch: str = "",
    commit: str = "",
) -> HandoffDocument:
    """The document that an outcome with a handoff makes.

    Args:
        outcome: what the worker said, with ``handoff`` in it.
        changed: the files that verify found changed; what the worker says of them is not
            asked.
        checks: the names of the checks that verify ran.
        branch: where the work lies; empty: nowhere.
        commit: its commit.
    """
    draft = cast("Mapping[str, Any]", outcome["handoff"])
    given: object = draft.get("artifacts")
    named = cast("Mapping[str, Any]", given if isinstance(given, dict) else {})
    artifacts = {str(name): str(value) for name, value in named.items() if str(value).strip()}
    if checks:
        artifacts["checks"] = ", ".join(checks)
    artifacts["changes"] = "asked for" if draft.get("changes", True) else "none"
    return HandoffDocument(
        summary=str(outcome.get("summary", "")),
        action=str(draft.get("action", "")),
        files_changed=tuple(changed),
        decisions=_many(outcome, "decisions"),
        open_questions=_many(outcome, "open_questions"),
        acceptance_criteria=_many(draft, "acceptance_criteria"),
        blockers=_many(draft, "blockers"),
        artifacts=artifacts,
        branch=branch,
        commit=commit,
    )


def _many(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """What is said of one thing, without the empty entries that models like to add."""
    given: object = data.get(name)
    entries = cast("list[object]", given if isinstance(given, list | tuple) else [given])
    return tuple(str(one) for one in entries if one is not None and str(one).strip())
