"""Scores: does what must hold at the end of a recorded task hold?"""

from __future__ import annotations

from dataclasses import dataclass

from neveridle.board import TaskState
from neveridle.evals.play import Played, open_tasks
from neveridle.evals.recorded_task import Expectations


@dataclass(frozen=True, slots=True)
class Score:
    """One expectation, and whether it holds.

    Attributes:
        name: what was looked at.
        passed: whether it holds.
        detail: what was expected and what was seen.
    """

    name: str
    passed: bool
    detail: str


def score(played: Played, expect: Expectations) -> list[Score]:
    """Look at every expectation that a recorded task states."""
    scores = [_rest(played)] if expect.at_rest else []
    done = [task for task in played.tasks if task.state is TaskState.COMPLETED]
    titles = {task.title for task in done}
    if expect.rungs:
        seen = {str(task.source) for task in done}
        missing = [rung for rung in expect.rungs if rung not in seen]
        scores.append(Score("rungs", not missing, f"completed from {sorted(seen)}"))
    if expect.completed is not None:
        said = f"expected {expect.completed}, saw {len(done)}"
        scores.append(Score("completed", len(done) == expect.completed, said))
    for title in expect.refused:
        refused = [e for e in played.events if e.kind == "verify.refused"]
        again = [e for e in refused if played.titles.get(e.task_id or 0) == title]
        repaired = bool(again) and title in titles
        scores.append(Score("refused and repaired", repaired, f"{title}: {len(again)} refusals"))
    for handoff in expect.handoffs:
        pair = (handoff.sender, handoff.receiver)
        scores.append(Score("handoff", pair in played.handoffs, f"{pair[0]} to {pair[1]}"))
    for title in expect.woken:
        woken = [e.task_id for e in played.events if e.kind == "task.unblocked"]
        found = any(played.titles.get(task or 0) == title for task in woken)
        scores.append(Score("woken", found and title in titles, title))
    if expect.learnings is not None:
        said = f"expected {expect.learnings}, saw {played.learnings}"
        scores.append(Score("learnings", played.learnings == expect.learnings, said))
    for one in expect.lessons:
        used = [
            found for found in played.lessons
            if (found.learnt_in, found.used_in) == (one.learnt_in, one.used_in)
        ]  # fmt: skip
        calls = used[0].calls if used else 0
        said = f"{one.used_in}: {calls} model calls with the lesson of {one.learnt_in}"
        scores.append(Score("a lesson used", bool(used) and calls == one.calls, said))
    if expect.proven is not None:
        said = f"expected at least {expect.proven}, saw {played.proven}"
        scores.append(Score("lessons proven", played.proven >= expect.proven, said))
    if expect.idle_model_calls is not None:
        calls = played.report.idle_model_calls
        scores.append(Score("calls while idle", calls == expect.idle_model_calls, f"saw {calls}"))
    for when, wanted, seen_checks in (
        ("before", expect.checks_before, played.before),
        ("after", expect.checks_after, played.after),
    ):
        for name, passes in wanted.items():
            said = f"{name} {'passed' if seen_checks.get(name) else 'failed'}"
            scores.append(Score(f"checks {when}", seen_checks.get(name) == passes, said))
    scores += _roadmap(played, expect)
    scores += _as_recorded(played, expect)
    return scores


def _as_recorded(played: Played, expect: Expectations) -> list[Score]:
    """What a task that was recorded from a live run expects: the same once more."""
    from neveridle.evals.measures import measures_of, path_of

    found: list[Score] = []
    if expect.path is not None:
        path = path_of(played)
        found.append(Score("decision path", path == expect.path, "; ".join(path) or "none"))
    if expect.files is not None:
        said = f"changed: {', '.join(played.files) or 'none'}"
        found.append(Score("files changed", played.files == expect.files, said))
    if expect.model_calls is not None:
        calls = int(measures_of(played)["model_calls"])
        said = f"expected {expect.model_calls}, saw {calls}"
        found.append(Score("model calls", calls == expect.model_calls, said))
    return found


def _rest(played: Played) -> Score:
    left = [f"{task.id} is {task.state}" for task in open_tasks(played)]
    quiet = played.report.reason == "idle" and not left
    return Score("rest at the end", quiet, f"{played.report.reason}; open: {left or 'nothing'}")


def _roadmap(played: Played, expect: Expectations) -> list[Score]:
    if not expect.roadmap_done:
        return []
    from neveridle.graph.sources.roadmap import read_roadmap

    status = {item.title: item.status for item in read_roadmap(played.roadmap)}
    return [
        Score("on the roadmap", status.get(title) == "done", f"{title}: {status.get(title)}")
        for title in expect.roadmap_done
    ]
