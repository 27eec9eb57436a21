"""A comparison as one page of HTML that needs nothing besides itself."""

from __future__ import annotations

from collections import Counter

from neveridle.evals.report.charts import spans
from neveridle.evals.report.compared import Comparison, Difference, TaskComparison
from neveridle.evals.report.markup import Raw, badge, el, filters, page, table
from neveridle.evals.report.texts import number, share, shown
from neveridle.evals.report.told import chance_of, interval_of, side_of

HEADS = ["", "", "before", "after", "difference", "interval", ""]


def comparison_page(found: Comparison) -> str:
    """The whole page."""
    first, second = (side.name for side in found.sides)
    kinds = Counter(str(one.verdict) for one in found.tasks)
    spread = [
        (shown(one.name), one.interval.low / scale, (one.change or 0) / scale,
         one.interval.high / scale, str(one.verdict))
        for one in found.overall
        if one.interval is not None
        for scale in [1.0 if one.name == "passed" else abs(one.before or 0) or 1.0]
    ]  # fmt: skip
    chart = spans(spread, title="Differences over all tasks, with their intervals")
    return page(
        shown(f"neveridle eval: {first} → {second}", longest=200),
        *(el("p", shown(side_of(side))) for side in found.sides),
        *(el("p", shown(note), class_="dim") for note in found.notes),
        el("p", chance_of(found), class_="dim"),
        el("h2", "All tasks"),
        table(HEADS, [_row(one) for one in found.overall]),
        chart if spread else None,
        el("p", "Differences as parts of what was before, with their intervals.", class_="dim")
        if spread else None,
        el("h2", "Task by task"),
        filters(sorted(kinds.items())),
        *(_task(one) for one in found.tasks),
    )  # fmt: skip


def _task(one: TaskComparison) -> Raw:
    rows = [_row(d) for d in (one.passed, *one.scores, *one.measures) if d is not None]
    statuses = " → ".join(
        ", ".join(f"{count} {status}" for status, count in side.items()) or "none"
        for side in one.statuses
    )
    head = el(
        "summary", badge(str(one.verdict)), el("strong", shown(one.task)), " ",
        el("span", shown(one.title), class_="dim"),
    )  # fmt: skip
    inner = el(
        "div",
        el("p", f"Runs: {statuses}."),
        el("p", shown(one.note)) if one.note else None,
        table(HEADS, rows) if rows else None,
    )
    loud = "open" if one.verdict in ("worse", "mixed") else None
    return el("details", head, inner, data_kind=str(one.verdict), open=loud)


def _row(one: Difference) -> list[str]:
    said = share if one.name == "passed" else number
    change = one.change
    sign = "+" if change is not None and change > 0 else ""
    return [
        badge(str(one.verdict)), shown(one.name), said(one.before), said(one.after),
        f"{sign}{said(change)}", interval_of(one), shown(one.note),
    ]  # fmt: skip
