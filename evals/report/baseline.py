"""The baseline: what the suite is known to do, as a small file that is kept with the code.

It is a file of results like any other, without what differs each time: times, versions, titles,
decision paths, and what scores that hold had to say. So a change of it in a review is a change
of behaviour.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from neveridle.evals.report.runs import WALL, ran
from neveridle.evals.report.writing import write_text
from neveridle.evals.result import CaseResult, SuiteResult


def baseline_of(result: SuiteResult) -> SuiteResult:
    """The same results without what differs each time.

    Runs of a task that are all alike, as replays are, become one. Runs that were skipped are
    left out: nothing is known of them.
    """
    kept: dict[str, list[CaseResult]] = {}
    for run in sorted(ran(result.results), key=lambda one: (one.task, one.repeat, one.seed)):
        runs = kept.setdefault(run.task, [])
        small = _small(run)
        first = [small.model_copy(update={"repeat": one.repeat, "seed": one.seed}) for one in runs]
        # Live runs are alike by chance, and how many there were says how much that means.
        if result.model or not run.events or len(runs) != 1 or first != runs:
            runs.append(small)
    return SuiteResult(
        suite=result.suite,
        model=result.model,
        matching=result.matching,
        results=tuple(run for runs in kept.values() for run in runs),
    )


def write_baseline(result: SuiteResult, path: Path) -> None:
    """Write the baseline of some results, whole or not at all; one line for each score.

    Written again from runs that went the same way, the file is the same, byte by byte.

    Raises:
        ResultsInvalid: it cannot be written.
    """
    write_text(path, baseline_text(result))


def baseline_text(result: SuiteResult) -> str:
    """The text of the baseline's file."""
    small = baseline_of(result)
    head: dict[str, Any] = {"format": small.format, "version": small.version}
    head |= small.model_dump(mode="json", exclude_defaults=True, exclude={"results"})
    lines = [f" {_json(name)}: {_json(value)}," for name, value in head.items()]
    runs = ",\n".join(_run(run) for run in small.results)
    body = f' "results": [\n{runs}\n ]' if runs else ' "results": []'
    return "\n".join(["{", *lines, body, "}"]) + "\n"


def _small(run: CaseResult) -> CaseResult:
    scores = [line if line.passed is not True else line.model_copy(update={"detail": ""})
              for line in run.scores]  # fmt: skip
    measures = {name: run.measures[name] for name in sorted(run.measures) if name not in WALL}
    without = {"scores": tuple(scores), "measures": measures, "title": "", "path": ()}
    return run.model_copy(update=without)


def _run(run: CaseResult) -> str:
    facts = run.model_dump(mode="json", exclude_defaults=True, exclude={"scores"})
    lines = [f"   {_json(name)}: {_json(value)}" for name, value in facts.items()]
    scores = [line.model_dump(mode="json", exclude_defaults=True) for line in run.scores]
    if scores:
        inner = ",\n".join(f"    {_json(one)}" for one in scores)
        lines.append(f'   "scores": [\n{inner}\n   ]')
    return "  {\n" + ",\n".join(lines) + "\n  }"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
