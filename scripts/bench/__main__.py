"""Measure the rows and write ``docs/benchmarks.md``."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import (
    breakers,
    budgets,
    claims,
    compaction,
    embeddings,
    fleet,
    memory_rows,
    metrics,
    races,
    recall,
    startup,
    steps,
    ticks,
)
from bench.harness import ROWS, SCALE, Result, Skipped, measure
from bench.report import line, render

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
# Importing a module registers its rows.
SOURCES = (
    startup, ticks, steps, breakers, budgets, claims, fleet, races, embeddings, compaction,
    memory_rows, recall, metrics,
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Return 0 whether or not all limits were reached: a benchmark is no test."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--only",
        default="",
        help="rows whose name contains this, or one of several with | between; prints only",
    )
    parser.add_argument("--rounds", type=int, default=None, help="samples of each, for all rows")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the contests' tasks")
    parser.add_argument("--output", type=Path, default=None, help="the page to write")
    options = parser.parse_args(arguments)
    SCALE[0] = options.scale
    results: list[Result] = []
    skipped: list[str] = []
    for item in ROWS:
        if any(word in item.name for word in options.only.split("|")):
            try:
                results.append(measure(item, options.rounds))
            except Skipped as why:
                skipped.append(f"{item.name} against {item.floor} ({why})")
                print(skipped[-1], flush=True)
                continue
            print("  ".join(line(results[-1])), flush=True)
    page = options.output or (None if options.only else PAGE)
    if page is not None:
        page.write_text(render(results, skipped), encoding="utf-8", newline="\n")
        print(f"wrote {page}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
