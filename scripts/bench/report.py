"""The page the results are written to."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.harness import Result, Row
from reference.markdown import page, table

METHOD = """\
Each row compares neveridle with a named floor (the least that any implementation must
spend) or peer. Both are measured in one run and in turn, A B A B …, after a round that is
thrown away, so that whatever else the machine does meets both. *Figure* is the median over
the rounds of what the row compares; *times* are medians of each alone. Ratios carry over
to other machines, times do not. Write the page again with `make bench`."""


def render(results: Sequence[Result]) -> str:
    """The text of the page."""
    head = ["what", "floor or peer", "times", "figure", "to reach", "rounds", ""]
    return page(
        "<!-- Written by `make bench`. -->",
        "# Benchmarks",
        METHOD,
        table(head, map(line, results)),
        f"Measured on {machine()}.",
    )


def line(result: Result) -> list[str]:
    """One row of the table."""
    item = result.row
    return [
        item.name,
        item.floor,
        " : ".join(figure_of(item, statistics.median(x)) for x in (result.ours, result.floor)),
        figure(item, result.value),
        f"≤ {figure(item, item.limit)}",
        str(len(result.ours)),
        "✓" if result.reached else "**missed**",
    ]


def figure_of(item: Row, value: float) -> str:
    """What one side of a row cost."""
    return f"{value:.2%}" if item.compare == "share" else span(value)


def figure(item: Row, value: float) -> str:
    """The row's figure or limit, in the terms in which it compares."""
    match item.compare:
        case "ratio":
            return f"{value:.2f} times"
        case "difference":
            return f"{span(value)} more"
        case "ours":
            return span(value)
        case "share":
            return f"{value:.2%}"


def span(seconds: float) -> str:
    """A duration in the unit that suits its size."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def machine() -> str:
    """What the figures were measured on."""
    today = datetime.now(UTC).date().isoformat()
    packages = ", ".join(f"{name} {version(name)}" for name in ("neveridle", "langgraph"))
    return (
        f"{today}: {processor()}, {os.cpu_count()} cores, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}, {packages}"
    )


def processor() -> str:
    """The processor's name, as far as the system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        return platform.processor() or "unknown processor"
    names = (part.partition(":")[2].strip() for part in text.splitlines() if "model name" in part)
    return next(names, platform.processor() or "unknown processor")
