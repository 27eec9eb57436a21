"""``neveridle eval report``: reports of a file of results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neveridle.cli.options import JsonOption


def report_command(
    results: Annotated[
        Path, typer.Argument(help="A file of results.", metavar="RESULTS.json", show_default=False)
    ],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page of HTML.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Print what came of a run of recorded tasks, and write pages of it."""
    from neveridle.cli.evals_shown import print_results
    from neveridle.cli.screen import print_json, say
    from neveridle.evals.report import load_results, write_reports

    found = load_results(results)
    written = write_reports(found, html=html, junit=junit)
    if json:
        print_json(found.model_dump(mode="json"))
        return
    print_results(found)
    for path in written:
        say(f"written: {path}")
