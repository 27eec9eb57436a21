"""What a line says of an event of the board's log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SAYS = {
    "task.added": "is new, from {source}: {title}",
    "task.claimed": "works on it: {title}",
    "verify.refused": "was refused: {why}",
    "branch.published": "is on branch {branch}",
    "branch.merged": "is merged from branch {branch}",
    "task.completed": "is completed",
    "task.unblocked": "can start: #{by} is completed",
    "attempt.failed": "failed ({code}): {error}",
    "task.blocked": "is blocked: {owner} must act: {action}",
    "task.handed_off": "is handed over to {to}",
    "attempt.parked": "waits for {on}",
    "attempt.released": "is back on the board",
    "attempt.expired": "lost its worker",
    "task.cancelled": "is cancelled",
    "agent.stopped": "stopped: {message} {remedy}",
    "team.problem": "problem in {where}: {message} {remedy}",
}
"""What a line says of an event while a team runs; the others are not shown."""

BESIDES = {
    "agent.paused": "{of} is paused: {reason}",
    "agent.draining": "{of} is to end once what is at work has ended: {reason}",
    "agent.resumed": "{of} takes tasks again",
    "run.died": "died with its process",
    "outage.began": "an outage: many agents fell silent at once",
    "outage.ended": "the outage is over",
    "service.opened": "{service} is not called for now: {reason}",
    "service.held": "{service} is held until it is reset: {reason}",
    "service.closed": "{service} can be used again",
    "budget.reached": "the budget {scope} is spent",
    "inbox.opened": "asks a person ({kind} {item}): {title}",
    "inbox.answered": "item {item} of the inbox is answered",
    "task.escalated": "is escalated to {level}: {code}",
}
"""And what one says of the others, where nobody watches from the beginning."""

SHOWN = (*SAYS, *BESIDES)
"""The kinds of events that ``neveridle status`` shows."""


def sentence(
    kind: str, task: int | None, facts: Mapping[str, Any], *, besides: bool = False
) -> str:
    """What a line says of an event; empty where it is not shown.

    Args:
        kind: its kind.
        task: the task it is about.
        facts: its data, and its task's title and source.
        besides: whether what is only said besides is shown, too.
    """
    form = SAYS.get(kind) or (BESIDES.get(kind) if besides else None)
    if form is None:
        return ""
    given = {**facts, "of": "everybody" if facts.get("of") == "*" else facts.get("of", "")}
    said = form.format_map(_Facts(given)).strip().removesuffix(":")
    return said if task is None else f"#{task} {said}"


class _Facts(dict[str, Any]):
    """What an event says; a fact it does not give is left out."""

    def __missing__(self, key: str) -> str:
        return ""
