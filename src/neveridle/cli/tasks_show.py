"""All that is known of one task, for ``neveridle tasks show``."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neveridle.cli.screen import clean, console, moment, say, styled, table

if TYPE_CHECKING:
    from rich.text import Text

    from neveridle.board import Attempt, Board, Effect, Event, Handoff, SyncPoint, Task

EVENTS = 1000
OUTPUT_SHOWN = 1500
"""Characters of a failed check's output on the screen; ``--json`` has all that is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStory:
    """A task with all that belongs to it.

    Attributes:
        after: the tasks it waits for, completed ones too.
        handoff: the handoff it continues.
        effects: what was written to services for it.
        sync: the sync point at which its completion is a check-in.
        working: its working memory.
    """

    task: Task
    after: list[int]
    attempts: list[Attempt]
    handoff: Handoff | None
    effects: list[Effect]
    events: list[Event]
    sync: SyncPoint | None
    working: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        return {
            "task": self.task.as_dict(),
            "after": self.after,
            "attempts": [dataclasses.asdict(one) for one in self.attempts],
            "handoff": None if self.handoff is None else dataclasses.asdict(self.handoff),
            "effects": [one.as_dict() for one in self.effects],
            "events": [dataclasses.asdict(one) for one in self.events],
            "sync": None if self.sync is None else self.sync.as_dict(),
            "working_memory": self.working,
        }


async def read_story(board: Board, number: int) -> TaskStory:
    """Read it from the board.

    Raises:
        NotFound: there is no such task.
    """
    task = await board.tasks.get(number)
    return TaskStory(
        task=task,
        after=await board.tasks.blockers(number),
        attempts=await board.attempts.of(number),
        handoff=None if task.handoff is None else await board.handoffs.get(task.handoff),
        effects=await board.effects.find(task=number),
        events=await board.events.find(task=number, limit=EVENTS),
        sync=await board.sync_points.of_task(number),
        working=await board.memories.working.get(number),
    )


def standing(task: Task) -> Text:
    """The task's state, with what is to be said of it."""
    colours = {"blocked": "red", "failed": "red", "completed": "green", "in_progress": "cyan"}
    words = str(task.state).replace("_", " ")
    if task.state == "blocked":
        words += f" ({task.blocked_owner})"
    elif task.state == "waiting":
        words += f" ({task.waiting_on})"
    elif task.state == "pending" and task.open_blockers:
        words += f" ({task.open_blockers} before it)"
    return styled(words, colours.get(str(task.state), ""))


def print_story(story: TaskStory) -> None:
    """Print it for people."""
    task, out = story.task, console()
    out.print(styled(f"#{task.id} {task.title}", "bold"))
    facts: list[tuple[object, object]] = [("state", standing(task))]
    facts += [
        (name, value)
        for name, value in (
            ("action", task.blocked_action),
            ("source", task.source),
            ("for", task.assignee or "whoever can"),
            ("priority", task.priority.name.lower()),
            ("ticket", task.ticket),
            ("reference", task.ref or ""),
            ("skills", ", ".join(task.skills)),
            ("services", ", ".join(task.services)),
            ("after", ", ".join(f"#{one}" for one in story.after)),
            ("accept", "; ".join(task.acceptance)),
            ("continues", "" if task.continues is None else f"#{task.continues}"),
            ("checks in", "" if story.sync is None else f"at sync point {story.sync.name}"),
            ("added", moment(task.created_at)),
        )
        if value
    ]
    out.print(table("", "", rows=facts))
    if task.description:
        say()
        say(task.description)
    if story.handoff is not None:
        print_handoff(story.handoff)
    for attempt in story.attempts:
        _print_attempt(attempt)
    if story.working:
        say()
        out.print(styled("Working memory", "bold"))
        say(story.working)
    if story.effects:
        from neveridle.cli.effects_shown import effect_table

        say()
        out.print(effect_table(story.effects, title="Effects"))
    if story.events:
        say()
        rows = [
            (moment(one.at), one.kind, one.agent or "-", _details(one.data)) for one in story.events
        ]
        out.print(table("when", "event", "who", "details", rows=rows, title="Events"))


def _details(data: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in data.items())[:200]


def _print_attempt(attempt: Attempt) -> None:
    out = console()
    say()
    head = f"Attempt {attempt.task_id}:{attempt.fence} by {attempt.agent}: {attempt.state}"
    out.print(styled(f"{head}, phase {attempt.phase}, {moment(attempt.started_at)}", "bold"))
    if attempt.branch:
        say(f"branch {attempt.branch} {attempt.commit[:12]}".rstrip(), lines=False)
    if attempt.error:
        say(f"error[{attempt.error_code}]: {attempt.error}")
    if attempt.outcome:
        say(f"outcome {attempt.outcome.get('status')}: {attempt.outcome.get('summary', '')}")
    evidence = attempt.evidence or {}
    checks: dict[str, dict[str, Any]] = evidence.get("checks") or {}
    for name, check in checks.items():
        passed = check.get("exit_code") == 0
        verdict = "passed" if passed else f"ended with {check.get('exit_code')}"
        out.print(styled(f"check {name}: {verdict} ({check.get('command')})", _colour(passed)))
        if not passed and check.get("output"):
            say(clean(str(check["output"])[-OUTPUT_SHOWN:], lines=True))
    changed: list[Any] = evidence.get("changed") or []
    if changed:
        say(f"changed: {', '.join(str(path) for path in changed[:20])}", lines=False)


def _colour(passed: bool) -> str:
    return "green" if passed else "red"


def print_handoff(handoff: Handoff) -> None:
    """Print a handoff for people."""
    document = handoff.document
    say()
    head = f"Handoff {handoff.id}: {handoff.sender} to {handoff.receiver}"
    verified = "its work passed verify" if handoff.verified else "its work did not pass verify yet"
    console().print(styled(f"{head}, {moment(handoff.created_at)} ({verified})", "bold"))
    ticket = f" ({handoff.ticket})" if handoff.ticket else ""
    say(f"task #{handoff.task_id}{ticket} goes on as #{handoff.dispatch_id}")
    say(f"summary: {document.summary}")
    say(f"action: {document.action}")
    lists = (
        ("decision", document.decisions),
        ("question", document.open_questions),
        ("criterion", document.acceptance_criteria),
        ("blocker", document.blockers),
        ("file", document.files_changed),
    )
    for name, entries in lists:
        for entry in entries:
            say(f"{name}: {entry}")
    for name, value in document.artifacts.items():
        say(f"{name}: {value}", lines=False)
    if document.branch:
        say(f"branch {document.branch} {document.commit[:12]}".rstrip(), lines=False)
