"""An issue told as a task: what an agent reads of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from neveridle.board.beads.issue import Issue

SECTIONS = (
    ("Design", "design"),
    ("Acceptance criteria", "acceptance_criteria"),
    ("Notes", "notes"),
)
MAY_CHANGE_NOTHING = frozenset({"epic", "milestone", "decision", "spike", "convoy", "event"})
"""Types whose work can be right without a change to any file."""


def description(issue: Issue, agents: frozenset[str]) -> str:
    """Everything about an issue that helps to do it, in Markdown.

    Args:
        issue: the issue.
        agents: names of the team's agents, in lower case.
    """
    return "\n\n".join(_parts(issue, agents))


def _parts(issue: Issue, agents: frozenset[str]) -> Iterator[str]:
    record = issue.record
    text = record.get("description")
    if isinstance(text, str) and text.strip():
        yield text.strip()
    for head, name in SECTIONS:
        said = record.get(name)
        if isinstance(said, str) and said.strip():
            yield f"## {head}\n\n{said.strip()}"
    said = list(_comments(record.get("comments")))
    if said:
        yield "## Comments\n\n" + "\n\n".join(said)
    facts = [f"{issue.id} in Beads", issue.kind]
    labels = record.get("labels")
    if isinstance(labels, list) and labels:
        facts.append("labels " + ", ".join(str(one) for one in cast("list[object]", labels)))
    if issue.assignee and issue.assignee.lower() not in agents:
        facts.append(f"there assigned to {issue.assignee}")
    yield f"({'; '.join(facts)})"
    if issue.kind == "epic":
        yield (
            "This is an epic. What is part of it are tasks of their own: do only what "
            "remains beside them, or say that nothing does."
        )


def _comments(comments: object) -> Iterator[str]:
    if not isinstance(comments, list):
        return
    for one in cast("list[object]", comments):
        said = cast("dict[str, Any]", one) if isinstance(one, dict) else {}
        text = said.get("text")
        if isinstance(text, str) and text.strip():
            yield f"{said.get('author') or 'somebody'}: {text.strip()}"
