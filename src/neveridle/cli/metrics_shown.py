"""The metrics as people read them, at 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neveridle.cli.screen import ago, moment, styled, table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from neveridle.board.metrics import Figures, Measure, Money

NAMES = {
    "throughput": "Throughput, tasks per agent and hour",
    "success_rate": "Success rate",
    "mean_time": "Mean time to complete",
    "idle_time": "Idle time",
    "retry_rate": "Retry rate",
    "escalation_rate": "Escalation rate",
}
STYLES = {"ok": "green", "missed": "red", "none": "dim"}


def pages(
    figures: Figures, series: Sequence[Figures], *, by: str | None, team: str
) -> list[RenderableType]:
    """The figures, part by part.

    Args:
        figures: of the whole window.
        series: of its pieces, where it is taken apart by time.
        by: how it is taken apart; None: not at all.
        team: the team's name.
    """
    window = figures.window
    whose = f"agent {figures.agent}" if figures.agent is not None else f"team {team}"
    title = f"Metrics of {whose}: {moment(window.since)} to {moment(window.until)}"
    rows = [
        (NAMES[name], _value(name, one), f"{one.compare} {_shown(name, one.target)}",
         _status(one), _made_of(name, one))
        for name, one in figures.metrics.items()
    ]  # fmt: skip
    parts: list[RenderableType] = [
        table("metric", "value", "target", "status", "of", rows=rows, title=title), "",
        _dashboard(figures), "", _spend(figures),
    ]  # fmt: skip
    if by == "agent":
        parts += ["", _agents([figures] if figures.agent is not None else figures.agents)]
    elif by in ("rung", "model"):
        taken = figures.spend.by_rung if by == "rung" else figures.spend.by_model
        parts += ["", _taken(by, taken)]
    elif by is not None:
        parts += ["", _series(series, day=by == "day")]
    return parts


def _value(name: str, one: Measure) -> str:
    return "-" if one.value is None else _shown(name, one.value)


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    if name == "throughput":
        return f"{value:.2f}"
    if name == "mean_time":
        return ago(value)
    return f"{value:.1%}"


def _made_of(name: str, one: Measure) -> str:
    match name:
        case "throughput":
            return f"{one.count:,.0f} in {ago(one.of * 3600)}"
        case "mean_time":
            return f"{one.of:,.0f} tasks"
        case "idle_time":
            return f"{ago(one.count)} of {ago(one.of)}"
        case _:
            return f"{one.count:,.0f} of {one.of:,.0f}"


def _status(one: Measure) -> Text:
    return styled(one.status, STYLES[one.status])


def _dashboard(figures: Figures) -> RenderableType:
    one = figures.dashboard
    return table(
        "tasks", "completed in", "success", "utilization", "cost",
        rows=[(f"{one.tasks:,}", _shown("mean_time", one.completion_seconds),
               _shown("share", one.success_rate), _shown("share", one.utilization),
               dollars(one.cost))],
    )  # fmt: skip


def _spend(figures: Figures) -> RenderableType:
    spend = figures.spend
    rows = [
        ("work on tasks", *_money(spend.work)),
        ("improvement", *_money(spend.improvement)),
        ("while idle", *_money(spend.idle)),
        ("total", *_money(spend.total)),
    ]
    return table("spent on", "calls", "tokens in", "out", "cost", rows=rows)


def _money(one: Money) -> tuple[str, str, str, str]:
    cost = dollars(one.cost)
    if one.unpriced and one.cost is not None:
        cost = f"{cost}, {one.unpriced:,} calls of no known price"
    return f"{one.calls:,}", f"{one.input_tokens:,}", f"{one.output_tokens:,}", cost


def dollars(cost: float | None) -> str:
    """Money in words; what has no known price is a dash."""
    if cost is None:
        return "-"
    return f"${cost:,.2f}" if cost >= 0.01 or cost == 0 else f"${cost:.4f}"


def _agents(agents: Sequence[Figures]) -> RenderableType:
    rows = [
        (one.agent or "", _value("throughput", one.throughput),
         _value("success_rate", one.success_rate), _value("mean_time", one.mean_time),
         _value("idle_time", one.idle_time), _value("retry_rate", one.retry_rate),
         _value("escalation_rate", one.escalation_rate), dollars(one.dashboard.cost))
        for one in agents
    ]  # fmt: skip
    return table("agent", "per hour", "success", "time", "idle", "retries", "escal.", "cost",
                 rows=rows)  # fmt: skip


def _taken(by: str, taken: dict[str, Money]) -> RenderableType:
    rows = [(name or "(none)", *_money(one)) for name, one in taken.items()]
    return table(by, "calls", "tokens in", "out", "cost", rows=rows)


def _series(series: Sequence[Figures], *, day: bool) -> RenderableType:
    rows = [
        (moment(one.window.since)[: 10 if day else 16], one.counts.completed,
         _value("success_rate", one.success_rate), _value("mean_time", one.mean_time),
         _value("idle_time", one.idle_time), _value("retry_rate", one.retry_rate),
         _value("escalation_rate", one.escalation_rate), dollars(one.dashboard.cost))
        for one in series
    ]  # fmt: skip
    return table("from", "tasks", "success", "time", "idle", "retries", "escal.", "cost",
                 rows=rows)  # fmt: skip
