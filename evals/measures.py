"""What is counted of a play, and a digest of its log."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from neveridle.board.budget import NANOS
from neveridle.evals.play import Played
from neveridle.tools.recording.canonical import Names

if TYPE_CHECKING:
    from neveridle.board import Event

MEASURED: Final = ("seconds", "at", "until", "started_at", "pid", "took", "input_tokens")
"""Parts of an event's data that tell of this machine, or are times; the log's own times count.

What goes into a model counts the characters of paths, as they stand in what commands say.
"""
_HOLDER: Final = re.compile(r"\b\d+-⟦")


def measures_of(played: Played) -> dict[str, float]:
    """Counts by name; see ``CaseResult.measures``."""
    calls = [one.data for one in played.events if one.kind == "model.call"]
    served = [one.data for one in played.events if one.kind == "service.calls"]
    tries = sum(max(int(one.get("tries") or 1) - 1, 0) for one in calls)
    return {
        "model_calls": len(calls),
        "idle_model_calls": sum(
            one.kind == "model.call" and one.task_id is None for one in played.events
        ),
        "input_tokens": _sum(calls, "input_tokens"),
        "output_tokens": _sum(calls, "output_tokens"),
        "cost": _sum(calls, "cost") / NANOS,
        "retries": tries + _sum(served, "retries"),
        "service_calls": _sum(served, "calls"),
        "tool_calls": sum(one.kind == "tool.call" for one in played.events),
        "escalations": sum(one.kind == "task.escalated" for one in played.events),
        "attempts": len(played.report.attempts),
        "learnings": played.learnings,
        "simulated_seconds": round(_span(played.events), 3),
        "seconds": round(played.seconds, 3),
    }


def path_of(played: Played) -> tuple[str, ...]:
    """The decision path: a line for each attempt, in the order in which they ended."""
    return tuple(
        f"{one.agent} {one.rung} {one.ending}: {one.title}" for one in played.report.attempts
    )


def log_lines(played: Played) -> Iterator[str]:
    """The board's log, a line for each event, without what differs between any two runs."""
    names = Names({"stage": played.folder})
    began = played.events[0].at if played.events else 0.0
    for one in played.events:
        data = {key: value for key, value in one.data.items() if key not in MEASURED}
        said = names.text(json.dumps(data, sort_keys=True, default=str))
        title = played.titles.get(one.task_id or 0, "-")
        said = _HOLDER.sub("⟦", said)
        yield f"{one.at - began:.2f} {one.kind} {one.agent or '-'} {title} {said}"


def digest_of(played: Played) -> str:
    """A SHA-256 of ``log_lines``: the same for two runs in which the same happened."""
    return hashlib.sha256("\n".join(log_lines(played)).encode()).hexdigest()


def _sum(rows: Sequence[dict[str, Any]], name: str) -> float:
    return float(sum(row.get(name) or 0 for row in rows))


def _span(events: Sequence[Event]) -> float:
    return events[-1].at - events[0].at if events else 0.0
