"""What is to be known before two files of results are compared, in words."""

from __future__ import annotations

from collections.abc import Sequence

from neveridle.evals.report.compared import TaskComparison
from neveridle.evals.result import SuiteResult


def notes_of(
    first: SuiteResult,
    second: SuiteResult,
    tasks: Sequence[TaskComparison],
    names: tuple[str, str],
) -> tuple[str, ...]:
    """What differs besides the results, and how far the runs can be trusted.

    Args:
        first: the runs before.
        second: the runs after.
        tasks: the tasks that both ran.
        names: what the two are called.
    """
    notes: list[str] = []
    if not tasks:
        notes.append("No task was run in both: there is nothing to compare.")
    pairs = (
        ("suite", first.suite, second.suite),
        ("model", first.model or "recorded", second.model or "recorded"),
        ("matching", first.matching, second.matching),
        *(
            (name, first.version_of.get(name, "unknown"), second.version_of.get(name, "unknown"))
            for name in sorted({*first.version_of, *second.version_of})
            if first.version_of and second.version_of
        ),
    )
    notes += [f"{what}: {old} in {names[0]}, {new} in {names[1]}." for what, old, new in pairs
              if old != new]  # fmt: skip
    for name, result in zip(names, (first, second), strict=True):
        lenient = sum(one.lenient for one in result.results)
        if lenient:
            notes.append(f"{name}: {lenient} requests were answered though they differed.")
    exact = [one for one in tasks if one.exact]
    if exact:
        whose = "All" if len(exact) == len(tasks) else f"{len(exact)} of {len(tasks)}"
        notes.append(
            f"{whose} tasks are replays of the same seeds: they have no noise, so that a "
            "difference is a difference."
        )
    once = [one for one in tasks if one.passed is not None and one.passed.runs == (1, 1)]
    if any(not one.exact for one in once):
        said = sum(not one.exact for one in once)
        notes.append(
            f"{said} tasks have 1 run each: no interval of their own. --repeat 5 gives some."
        )
    elif once:
        notes.append("Replayed once each, with one seed; --repeat tries others.")
    return tuple(notes)
