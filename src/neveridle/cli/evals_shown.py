"""Results of recorded tasks, what they differ in, and what the gate says: in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Final

from neveridle.cli.cells import Column, grid
from neveridle.cli.printed import print_lines, screen_width
from neveridle.cli.screen import clean, say

if TYPE_CHECKING:
    from neveridle.evals.report.gate import Gate
    from neveridle.evals.result import CaseResult, SuiteResult

COLOURS: Final = {
    "passed": "green", "failed": "red", "error": "magenta", "skipped": "dim",
    "better": "green", "worse": "red", "mixed": "yellow", "gone": "yellow", "new": "cyan",
}  # fmt: skip
TOLD: Final = 8
"""Lines about one run that did not pass; the file of results has all."""
SHOWN: Final = 40
"""Lines of one of these, such as the difference to what was recorded."""


def print_results(result: SuiteResult) -> None:
    """Print a line for each recorded task, what did not pass and why, and the sum."""
    by_task: dict[str, list[CaseResult]] = {}
    for run in result.results:
        by_task.setdefault(run.task, []).append(run)
    columns = (
        Column("task", least=12), Column("runs", right=True), Column("", least=6),
        Column("scores", right=True), Column("calls", right=True), Column("tokens", right=True),
        Column("cost", right=True), Column("seconds", right=True),
    )  # fmt: skip
    rows = [_row(task, runs) for task, runs in by_task.items()]
    print_lines(grid(columns, rows, screen_width()))
    for run in result.results:
        if run.status != "passed":
            _print_why(run, many=len(by_task[run.task]) > 1)
    say()
    say(summary_of(result))


def summary_of(result: SuiteResult) -> str:
    """One line: how many runs ended how, and how long it took."""
    counts = Counter(one.status for one in result.results)
    said = [f"{counts[one]} {one}" for one in ("passed", "failed", "error", "skipped")
            if counts[one] or one == "passed"]  # fmt: skip
    tasks = len({one.task for one in result.results})
    lenient = sum(one.lenient for one in result.results)
    line = f"{', '.join(said)}: {len(result.results)} runs of {tasks} tasks"
    line += f" with {result.model}" if result.model else ""
    line += f" in {result.seconds:.0f} s" if result.seconds else ""
    return f"{line}; {lenient} requests matched leniently" if lenient else line


def print_gate(gate: Gate, baseline: object) -> None:
    """Print what got worse against the baseline, and what is not known."""
    say()
    if gate.passed:
        say(f"No regression against {baseline}: {gate.judged} tasks compared.")
    else:
        say(f"{len(gate.regressions)} regressions against {baseline}:")
        for one in gate.regressions:
            say(f"  {clean(one.task)}: {clean(one.said)}")
    _list("Not run, and not compared", gate.not_run)
    _list("Not in the baseline", gate.new)
    _list("Better than the baseline, which can be written anew", gate.better)
    _list("Differs, of too few runs to know", gate.unjudged)


def _list(head: str, names: Sequence[str]) -> None:
    if not names:
        return
    shown = [clean(name) for name in names[:TOLD]]
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    say(f"{head}: {', '.join(shown)}{more}")


def _row(task: str, runs: Sequence[CaseResult]) -> list[str | tuple[str, str]]:
    from neveridle.evals.report.texts import number

    counts = Counter(one.status for one in runs)
    worst = next(one for one in ("error", "failed", "passed", "skipped") if counts[one])
    lines = [line for one in runs for line in one.scores]
    good = sum(line.passed is True for line in lines)
    cost = _mean(runs, ("cost",))
    return [
        task,
        f"{counts['passed']}/{len(runs)}",
        (worst, COLOURS[worst]),
        f"{good}/{len(lines)}" if lines else "-",
        number(_mean(runs, ("model_calls",))),
        number(_mean(runs, ("input_tokens", "output_tokens"))),
        "-" if cost is None else f"${cost:.4f}",
        number(_rounded(_mean(runs, ("seconds",)))),
    ]


def _mean(runs: Iterable[CaseResult], names: Sequence[str]) -> float | None:
    """The mean over the runs of the sum of some measures; None: no run has one of them."""
    found = [
        sum(run.measures.get(name, 0.0) for name in names)
        for run in runs
        if any(name in run.measures for name in names)
    ]
    return fmean(found) if found else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _print_why(run: CaseResult, *, many: bool) -> None:
    name = f"{run.task} (run {run.repeat})" if many else run.task
    say()
    say(clean(f"{name}: {run.status}{f': {run.title}' if run.title else ''}"))
    lines: list[str] = []
    if run.trouble is not None:
        lines += [f"[{run.trouble.code}] {run.trouble.message}", run.trouble.remedy]
    for line in run.scores:
        if line.passed is False:
            lines.append(f"{line.name}: {line.detail}")
        elif line.passed is None and line.unscored != "skipped":
            lines.append(f"{line.name}: not scored, {line.scorer} failed: {line.detail}")
    said = [text for text in lines if text]
    for text in said[:TOLD]:
        shown = clean(text, lines=True).splitlines()
        for number, one in enumerate(shown[:SHOWN]):
            say(f"  {'  ' * (number > 0)}{one}")
        if len(shown) > SHOWN:
            say(f"    and {len(shown) - SHOWN} more lines")
    if len(said) > TOLD:
        say(f"  and {len(said) - TOLD} more")
