"""``neveridle eval compare``: what got better and worse between two files of results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from neveridle.cli.options import JsonOption

if TYPE_CHECKING:
    from neveridle.cli.cells import Column
    from neveridle.evals.report import Comparison, Difference, TaskComparison

TOLD: Final = 6
"""Lines about one task; the page and --json have all."""
Cell = str | tuple[str, str]


def compare_command(
    before: Annotated[
        Path, typer.Argument(help="Results before.", metavar="A.json", show_default=False)
    ],
    after: Annotated[
        Path, typer.Argument(help="Results after.", metavar="B.json", show_default=False)
    ],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page of HTML.")
    ] = None,
    fail_on_worse: Annotated[
        bool, typer.Option("--fail-on-worse", help="Exit code 1 where something got worse.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Compare two files of results: what got better and worse, with confidence intervals.

    Only what lies outside of its interval counts as better or worse. Replays have no noise.
    """
    from neveridle.cli.screen import print_json, say
    from neveridle.evals.report import compare, load_results

    names = (before.stem, after.stem) if before.stem != after.stem else (str(before), str(after))
    found = compare(load_results(before), load_results(after), names=names)
    if html is not None:
        from neveridle.evals.report.comparison_page import comparison_page
        from neveridle.evals.report.writing import write_text

        write_text(html, comparison_page(found))
    if json:
        print_json(found.facts)
    else:
        print_comparison(found)
        if html is not None:
            say(f"written: {html}")
    if fail_on_worse and found.worse:
        raise typer.Exit(1)


def print_comparison(found: Comparison) -> None:
    """Print the whole, then each task that differs, then how many do not."""
    from neveridle.cli.cells import grid
    from neveridle.cli.printed import print_lines, screen_width
    from neveridle.cli.screen import clean, say
    from neveridle.evals.report.told import chance_of, side_of

    for line in (*map(side_of, found.sides), *found.notes):
        say(clean(line))
    if found.overall:
        say()
        print_lines(grid(_columns("all tasks"), [_row(d) for d in found.overall], screen_width()))
    loud = [one for one in found.tasks if _differs(one)]
    if loud:
        say()
        rows = [row for one in loud for row in _rows(one)]
        print_lines(grid(_columns("task"), rows, screen_width()))
    say()
    counts: dict[str, int] = {}
    for one in found.tasks:
        counts[one.verdict] = counts.get(one.verdict, 0) + 1
    said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    say(f"{len(found.tasks)} tasks: {said or 'none'}")
    say(chance_of(found))


def _columns(first: str) -> tuple[Column, ...]:
    from neveridle.cli.cells import Column

    return (
        Column(first, least=14), Column("before", right=True), Column("after", right=True),
        Column("interval of the difference", least=8), Column("", least=6),
    )  # fmt: skip


def _differs(one: TaskComparison) -> bool:
    return one.verdict != "same" or any(_marked(d) for d in one.measures)


def _marked(one: Difference) -> bool:
    return one.verdict in ("better", "worse", "changed", "new", "gone")


def _rows(one: TaskComparison) -> list[list[Cell]]:
    from neveridle.cli.evals_shown import COLOURS

    passed = one.passed
    head: list[Cell] = [one.task, "", "", one.note, (one.verdict, COLOURS.get(one.verdict, ""))]
    if passed is not None:
        head[1:4] = _row(passed)[1:4]
    lines = [d for d in (*one.scores, *one.measures) if _marked(d)]
    rows = [head, *(_row(d, indent="· ") for d in lines[:TOLD])]
    if len(lines) > TOLD:
        rows.append([f"· and {len(lines) - TOLD} more", "", "", "", ""])
    return rows


def _row(one: Difference, *, indent: str = "") -> list[Cell]:
    from neveridle.cli.evals_shown import COLOURS
    from neveridle.evals.report.texts import number, share
    from neveridle.evals.report.told import interval_of

    said = share if one.name == "passed" else number
    note = interval_of(one)
    if note == "-" and one.note:
        note = one.note
    colour = COLOURS.get(one.verdict, "dim")
    return [f"{indent}{one.name}", said(one.before), said(one.after), note, (one.verdict, colour)]
