"""Expectations of tasks, attempts, lessons and checks."""

from __future__ import annotations

from collections.abc import Iterator

from neveridle.board import TaskState
from neveridle.evals.expectations import Expectations
from neveridle.evals.measures import path_of
from neveridle.evals.play import Played, open_tasks
from neveridle.evals.result import ScoreLine
from neveridle.evals.scorers.amounts import counted
from neveridle.evals.scorers.scorer import line

DETAIL = 6
"""Lines of a decision path that a detail shows around the first difference."""


def rest(played: Played, expect: Expectations, until: str) -> ScoreLine:
    """The run ended as it should, and nothing is left open that was not to be.

    Args:
        played: what came of the run.
        expect: what it should be; tasks in ``states`` may be open.
        until: ``idle`` or ``timeout``, as in ``[run]``.
    """
    left = [
        f"{one.id} is {one.state}" for one in open_tasks(played) if one.title not in expect.states
    ]
    wanted = (expect.ends,) if expect.ends else ("idle", "timeout") if until != "idle" else (until,)
    quiet = played.report.reason in wanted and not left
    return line("rest at the end", quiet, f"{played.report.reason}; open: {left or 'nothing'}")


def work(played: Played, expect: Expectations) -> Iterator[ScoreLine]:
    """What was done."""
    done = [task for task in played.tasks if task.state is TaskState.COMPLETED]
    titles = {task.title for task in done}
    if expect.rungs:
        seen = {str(task.source) for task in done}
        missing = [rung for rung in expect.rungs if rung not in seen]
        yield line("rungs", not missing, f"completed from {sorted(seen)}")
    if expect.completed is not None:
        yield counted("completed", len(done), expect.completed)
    if expect.attempts is not None:
        yield counted("attempts", len(played.report.attempts), expect.attempts)
    yield from _path(played, expect)
    for title, state in expect.states.items():
        found = sorted({str(one.state) for one in played.tasks if one.title == title})
        said = f"expected {state}, saw {', '.join(found) or 'no such task'}"
        yield line(f"state of {title}", found == [state], said)
    for title in expect.refused:
        refused = [e for e in played.events if e.kind == "verify.refused"]
        again = [e for e in refused if played.titles.get(e.task_id or 0) == title]
        repaired = bool(again) and title in titles
        yield line("refused and repaired", repaired, f"{title}: {len(again)} refusals")
    for handoff in expect.handoffs:
        pair = (handoff.sender, handoff.receiver)
        yield line("handoff", pair in played.handoffs, f"{pair[0]} to {pair[1]}")
    for title in expect.woken:
        woken = [e.task_id for e in played.events if e.kind == "task.unblocked"]
        freed = any(played.titles.get(task or 0) == title for task in woken)
        yield line("woken", freed and title in titles, title)


def lessons(played: Played, expect: Expectations) -> Iterator[ScoreLine]:
    """What was learnt, and used."""
    if expect.learnings is not None:
        yield counted("learnings", played.learnings, expect.learnings)
    for one in expect.lessons:
        used = [
            found for found in played.lessons
            if (found.learnt_in, found.used_in) == (one.learnt_in, one.used_in)
        ]  # fmt: skip
        calls = used[0].calls if used else 0
        said = f"{one.used_in}: {calls} model calls with the lesson of {one.learnt_in}"
        yield line("a lesson used", bool(used) and calls == one.calls, said)
    if expect.proven is not None:
        said = f"expected at least {expect.proven}, saw {played.proven}"
        yield line("lessons proven", played.proven >= expect.proven, said)


def checks(played: Played, expect: Expectations) -> Iterator[ScoreLine]:
    """Whether the checks passed before and after, and what the roadmap shows."""
    for when, wanted, seen in (
        ("before", expect.checks_before, played.before),
        ("after", expect.checks_after, played.after),
    ):
        for name, passes in wanted.items():
            said = f"{name} {'passed' if seen.get(name) else 'failed'}"
            yield line(f"checks {when}", seen.get(name) == passes, said)
    if expect.roadmap_done:
        from neveridle.graph.sources.roadmap import read_roadmap

        status = {item.title: item.status for item in read_roadmap(played.roadmap)}
        for title in expect.roadmap_done:
            said = f"{title}: {status.get(title)}"
            yield line("on the roadmap", status.get(title) == "done", said)


def _path(played: Played, expect: Expectations) -> Iterator[ScoreLine]:
    if expect.path is None and not expect.path_contains:
        return
    seen = path_of(played)
    if expect.path is not None:
        yield line("decision path", seen == expect.path, _difference(seen, expect.path))
    if expect.path_contains:
        left = iter(seen)
        missing = next((one for one in expect.path_contains if one not in left), None)
        said = "all in order" if missing is None else f"not in this order: {missing}"
        yield line("decision path holds", missing is None, said)


def _difference(seen: tuple[str, ...], wanted: tuple[str, ...]) -> str:
    """The first line that differs, and what follows."""
    if seen == wanted:
        return f"{len(seen)} lines"
    same = next(
        (at for at, pair in enumerate(zip(seen, wanted, strict=False)) if pair[0] != pair[1]),
        min(len(seen), len(wanted)),
    )
    return (
        f"line {same + 1}: expected {list(wanted[same : same + DETAIL]) or 'no more'}, "
        f"saw {list(seen[same : same + DETAIL]) or 'no more'}"
    )
