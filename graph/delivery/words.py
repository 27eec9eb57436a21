"""What a pull request and its comments say, and what an agent is told of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from neveridle.agents.prompt import cut, quote
from neveridle.board import Attempt, Source, Task
from neveridle.graph.delivery.decision import Feed

BODY = 20_000
"""Characters of a pull request's body; GitHub takes 65,536."""
TITLE = 200
SHOWN = 30
"""Entries of one list."""
REPORT = 24_000
"""Characters of what failed checks said, for an agent."""
ASKED = 60_000
"""Characters of all that an agent is told."""
_MENTION: Final = re.compile(r"@(?=\w)")


def title_of(task: Task) -> str:
    """The pull request's title: the task's, in one line."""
    return " ".join(task.title.split())[:TITLE]


def body_of(task: Task, attempt: Attempt, *, agent: str) -> str:
    """What tells people what was done, why, and how it was checked.

    Args:
        task: the task it was done for; of a chain of handoffs the first.
        attempt: the attempt whose work it is.
        agent: who did it.
    """
    parts = [
        "## What",
        _said(attempt),
        "## Why",
        *_why(task),
        "## How it was checked",
        *checked(attempt.evidence),
        f"---\nBy {agent}, an agent, for task {task.id}. The checks ran on {attempt.commit[:12]}.",
    ]
    return _bounded("\n\n".join(parts))


def answer_of(attempt: Attempt, *, number: int, asked: str) -> str:
    """What is said on the pull request after an agent went back to it."""
    wanted = "\n".join(f"> {line}" for line in calm(asked).splitlines()[:SHOWN])
    parts = [f"Round {number}: {_said(attempt)}", *checked(attempt.evidence)]
    parts += [f"<details><summary>What was asked</summary>\n\n{wanted}\n</details>"]
    parts += [f"By {attempt.agent}, an agent, at {attempt.commit[:12]}."]
    return _bounded("\n\n".join(parts))


def _said(attempt: Attempt) -> str:
    return calm(cut(str((attempt.outcome or {}).get("summary", "")).strip(), 6_000)) or "—"


def _why(task: Task) -> list[str]:
    lines = [f"Task {task.id}: **{calm(title_of(task))}**"]
    if task.ticket:
        lines.append(f"Ticket: {calm(task.ticket)}")
    if task.source is Source.ROADMAP and task.ref:
        lines.append(f"Roadmap: {calm(task.title)}")
    if task.description:
        lines.append(quote(calm(cut(task.description, 3_000))))
    return lines


def checked(evidence: Mapping[str, Any] | None) -> list[str]:
    """The evidence as Markdown: each command with its result, and the tests that changed."""
    found: Mapping[str, Any] = evidence or {}
    rows = ["| check | command | result | seconds |", "| --- | --- | --- | --- |"]
    checks = cast("dict[str, dict[str, Any]]", found.get("checks") or {})
    for name, one in list(checks.items())[:SHOWN]:
        code = one.get("exit_code")
        result = "passed" if code == 0 else f"ended with {code}"
        rows.append(f"| {_cell(name)} | `{_cell(one.get('command'))}` | {result} | "
                    f"{one.get('seconds', '')} |")  # fmt: skip
    parts = ["\n".join(rows)] if checks else ["No check was run: no file was changed."]
    tests = cast("list[str]", found.get("changed_tests") or [])
    if tests:
        more = f" and {len(tests) - SHOWN} more" if len(tests) > SHOWN else ""
        parts.append(f"Tests changed: {', '.join(f'`{_cell(t)}`' for t in tests[:SHOWN])}{more}")
    else:
        parts.append("No tests changed.")
    return parts


def asked_for(number: int, url: str, feed: Feed, report: str, *, conflicts: str = "") -> str:
    """What the task's next attempt is told; all that comes from outside is quoted.

    Args:
        number: the pull request's.
        url: of it.
        feed: what is new.
        report: what the failed checks said.
        conflicts: what kept the target branch from being merged in, or made it fail.
    """
    parts = [f"Your work is open as pull request #{number} ({url}); you go on on its branch."]
    if feed.checks:
        parts.append(f"Its checks failed. They said:\n{quote(_tail(report, REPORT))}")
    for one in feed.reviews[:SHOWN]:
        verb = "asks for changes" if one.state == "changes_requested" else "says"
        body = one.body.strip() or "(only the comments below)"
        parts.append(f"The reviewer {_cell(one.author)} {verb}:\n{quote(cut(body, 4_000))}")
    for note in feed.comments[:SHOWN]:
        where = f" on {_cell(note.where)}" if note.where else ""
        said = quote(cut(note.body, 2_000))
        parts.append(f"{_cell(note.author)} comments{where}:\n{said}")
    left = max(len(feed.reviews) - SHOWN, 0) + max(len(feed.comments) - SHOWN, 0)
    if left:
        parts.append(f"({left} more are on the pull request.)")
    if conflicts:
        parts.append(conflicts)
    return cut("\n\n".join(parts), ASKED)


def calm(text: str) -> str:
    """Text that mentions nobody: what a model or a ticket says must not call people."""
    return _MENTION.sub("@\u200b", text.replace("<!--", "<\u200b!--"))


def _cell(value: object) -> str:
    return calm(" ".join(str(value).split()).replace("|", "\\|").replace("`", "'"))[:300]


def _bounded(text: str) -> str:
    return text if len(text) <= BODY else f"{text[:BODY]}\n\n(cut)"


def _tail(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"…\n{text[-limit:]}"
