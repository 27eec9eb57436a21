"""What a recorded task expects: what happened when it was recorded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from neveridle.board import TaskState
from neveridle.evals.measures import path_of
from neveridle.evals.play import Played, open_tasks
from neveridle.graph.sources.roadmap import read_roadmap

if TYPE_CHECKING:
    from neveridle.board import Event


ENDS: Final = ("timeout", "stopped", "drained", "paused")
"""Ends of a run that are not the usual one."""


def expected(played: Played, files: Iterable[str]) -> dict[str, Any]:
    """The table ``[expect]``: what came of the live run; see ``Expectations``.

    Args:
        played: the live run.
        files: those that it changed on the target branch.
    """
    done = [one for one in played.tasks if one.state is TaskState.COMPLETED]
    titles = {one.id: one.title for one in done}
    found: dict[str, Any] = {
        "completed": len(done),
        "rungs": sorted({str(one.source) for one in done}),
        "refused": _of(played.events, "verify.refused", titles),
        "woken": _of(played.events, "task.unblocked", titles),
        "handoffs": [
            {"from": sender, "to": receiver} for sender, receiver in dict.fromkeys(played.handoffs)
        ],
        "learnings": played.learnings,
        "path": list(path_of(played)),
        "files_changed": sorted(files),
        "measures": {"model_calls": sum(one.kind == "model.call" for one in played.events)},
        "idle_model_calls": 0,
        "checks_before": played.before,
        "checks_after": played.after,
        "roadmap_done": [one.title for one in read_roadmap(played.roadmap) if one.status == "done"],
    }
    if played.report.reason in ENDS:
        found["ends"] = played.report.reason
    # Work that was left over may be left over again.
    found["states"] = {one.title: str(one.state) for one in open_tasks(played)}
    looked_at = ("path", "files_changed")  # also that there were none
    return {name: one for name, one in found.items() if one not in ([], {}) or name in looked_at}


def _of(events: list[Event], kind: str, titles: dict[int, str]) -> list[str]:
    """Titles of the completed tasks that an event tells of, in its order."""
    told = [titles[one.task_id] for one in events if one.kind == kind and one.task_id in titles]
    return list(dict.fromkeys(told))
