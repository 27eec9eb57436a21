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

PROCESSES = """\
In the rows of *claim + complete*, as many processes as are named, each with a connection of
its own, wait for the word and then empty a board of runnable tasks; the *times* there are
tasks per second, from the word to the end of the last process, and the figure is the median of
the rounds' ratios, with the lowest and the highest. In each round every side does this once, in
turn, on a database of its own on one server, as it comes: completions wait for the disk. *Raw* is
plain psycopg or sqlite3 with the very same SQL. The peers do what corresponds, one job at a
time in each process, as an agent works: procrastinate without LISTEN, DBOS with a queue polled
each millisecond, all else as they come. A row without a limit lets a peer do ten at a time. DBOS's
processes are there only for their own turn, so that nobody else pays for their polls.
A round in which a task was done twice, or not at all, ends the run."""


def render(results: Sequence[Result], skipped: Sequence[str] = ()) -> str:
    """The text of the page."""
    head = ["what", "floor or peer", "times", "figure", "to reach", "rounds", ""]
    return page(
        "<!-- Written by `make bench`. -->",
        "# Benchmarks",
        METHOD,
        table(head, map(line, results)),
        PROCESSES,
        *([f"Not measured: {'; '.join(skipped)}."] if skipped else []),
        f"Measured on {machine()}.",
    )


def line(result: Result) -> list[str]:
    """One row of the table."""
    item = result.row
    return [
        item.name,
        item.floor,
        " : ".join(amount(item, statistics.median(one)) for one in (result.ours, result.floor)),
        f"{figure(item, result.value)}{spread(result)}",
        bound(item),
        str(len(result.ours)),
        "" if item.limit is None else "✓" if result.reached else "**missed**",
    ]


def figure(item: Row, value: float) -> str:
    """The row's figure or limit, in the terms in which it compares."""
    match item.compare:
        case "ratio" | "rate":
            return f"{value:.2f} times"
        case "difference":
            return f"{span(value)} more"
        case "ours":
            return span(value)
        case "share":
            return f"{value:.2%}"


def bound(item: Row) -> str:
    """What the row is to reach."""
    if item.limit is None:
        return "—"
    return f"{'≥' if item.compare == 'rate' else '≤'} {figure(item, item.limit)}"


def amount(item: Row, value: float) -> str:
    """What one side came to, alone."""
    match item.compare:
        case "rate":
            return f"{value:,.0f}"
        case "share":
            return f"{value:.2%}"
        case _:
            return span(value)


def spread(result: Result) -> str:
    """Between which figures the rounds lay, where they were few."""
    if result.row.compare != "rate":
        return ""
    values = [one / other for one, other in zip(result.ours, result.floor, strict=True)]
    return f" ({min(values):.2f} to {max(values):.2f})"


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
