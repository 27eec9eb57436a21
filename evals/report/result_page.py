"""Results as one page of HTML that needs nothing besides itself."""

from __future__ import annotations

from collections import Counter
from statistics import fmean
from typing import Final

from neveridle.evals.report.charts import bars, shares
from neveridle.evals.report.markup import Raw, badge, el, filters, joined, page, table
from neveridle.evals.report.texts import number, share, shown
from neveridle.evals.result import CaseResult, ScoreLine, SuiteResult

KINDS: Final = ("passed", "failed", "error", "skipped")
PATH: Final = 200
"""Lines of a decision path that are shown; the file of results has all."""


def result_page(result: SuiteResult) -> str:
    """The whole page."""
    counts = Counter(one.status for one in result.results)
    parts = [(kind, counts[kind]) for kind in KINDS]
    often = Counter(one.task for one in result.results)
    return page(
        shown(f"neveridle eval: {result.suite}", longest=200),
        _facts(result),
        shares(parts, title=", ".join(f"{count} {kind}" for kind, count in parts)),
        filters([(kind, count) for kind, count in parts if count]),
        *(_run(one, repeated=often[one.task] > 1) for one in result.results),
        *_calls(result),
    )


def _facts(result: SuiteResult) -> Raw:
    ran = [one for one in result.results if one.status != "skipped"]
    good = fmean(one.status == "passed" for one in ran) if ran else None
    tasks = len({one.task for one in result.results})
    model = result.model or "recorded answers"
    said = [
        f"{share(good)} of {len(ran)} runs of {tasks} recorded tasks passed.",
        f"Model: {model}; matching: {result.matching}.",
        f"Started {result.started_at}, took {result.seconds:.0f} s." if result.started_at else "",
        ", ".join(f"{name} {result.version_of[name]}" for name in sorted(result.version_of)),
    ]
    return joined(*(el("p", shown(line), class_="dim") for line in said if line))


def _run(run: CaseResult, *, repeated: bool) -> Raw:
    name = f"{run.task} (run {run.repeat})" if repeated else run.task
    head = el(
        "summary", badge(run.status), el("strong", shown(name)), " ",
        el("span", shown(run.title), class_="dim"),
    )  # fmt: skip
    trouble = run.trouble
    inner = el(
        "div",
        el("p", shown(f"{trouble.code}: {trouble.message} {trouble.remedy}")) if trouble else None,
        _scores(run.scores),
        _measures(run),
        _path(run),
    )
    opened = "open" if run.status in ("failed", "error") else None
    return el("details", head, inner, data_kind=run.status, open=opened)


def _scores(scores: tuple[ScoreLine, ...]) -> Raw | None:
    if not scores:
        return None
    words = {True: "passed", False: "failed", None: "unknown"}
    rows = [
        [badge(words[one.passed]), shown(one.name), number(one.value), shown(one.detail),
         shown(one.scorer)]
        for one in sorted(scores, key=lambda one: one.passed is True)
    ]  # fmt: skip
    return table(["", "score", "value", "seen", "scorer"], rows)


def _measures(run: CaseResult) -> Raw | None:
    if not run.measures:
        return None
    said = [f"{shown(name)} {number(value)}" for name, value in sorted(run.measures.items())]
    more = [f"seed {run.seed}", *([f"{run.lenient} matched leniently"] if run.lenient else [])]
    if run.provenance:
        more.append(f"answers: {shown(run.provenance)}")
    return el("p", ", ".join([*said, *more]))


def _path(run: CaseResult) -> Raw | None:
    if not run.path:
        return None
    rest = len(run.path) - PATH
    lines = [el("li", shown(line, longest=300)) for line in run.path[:PATH]]
    if rest > 0:
        lines.append(el("li", f"and {rest} more"))
    return joined(el("p", "Decision path:"), el("ol", *lines))


def _calls(result: SuiteResult) -> list[Raw]:
    found: dict[str, list[CaseResult]] = {}
    for run in result.results:
        if "model_calls" in run.measures:
            found.setdefault(run.task, []).append(run)
    if not found:
        return []
    rows = [
        (shown(task), mean, number(mean), "passed" if all(r.status == "passed" for r in runs)
         else "failed")
        for task, runs in found.items()
        for mean in [fmean(run.measures["model_calls"] for run in runs)]
    ]  # fmt: skip
    rows.sort(key=lambda row: -row[1])
    return [el("h2", "Model calls by task"), bars(rows, title="Model calls by task")]
