"""``neveridle eval compaction``: what folding keeps of what recorded conversations needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from neveridle.cli.options import JsonOption


def compaction_command(
    path: Annotated[
        Path, typer.Argument(help="Recorded runs: a .json file, or a folder of such files.")
    ],
    budgets: Annotated[
        list[int] | None,
        typer.Option(
            "--budget",
            min=200,
            help="Tokens of conversation, besides the system prompt; may be given several times. "
            "Default: 1000, 1500, 2500, 4000.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        int, typer.Option("--keep", min=1, help="The last messages, which stay as they are.")
    ] = 10,
    json: JsonOption = False,
) -> None:
    """Replay recorded conversations, folding them as they grow; no model is called.

    Exit code 1 where an invariant is broken, or less than 95 % of the identifiers that later
    calls needed are in the context or one search away.
    """
    from neveridle.cli.screen import print_json
    from neveridle.evals.compaction import BUDGETS, evaluate, load_recorded

    report = evaluate(load_recorded(path), budgets=budgets or BUDGETS, keep=keep)
    if json:
        print_json(report)
    else:
        _print(report)
    if not report["passed"]:
        raise typer.Exit(1)


def _print(report: dict[str, Any]) -> None:
    from neveridle.cli.screen import console, say, table

    rows = [
        (
            f"{one['budget']:,}",
            str(one["compactions"]),
            f"{one['tokens_before']:,} → {one['tokens_after']:,}",
            str(one["needed"]),
            _share(one["in_context"]),
            _share(one["reachable"]),
            str(sum(one["violations"].values())),
        )
        for one in report["budgets"]
    ]
    head = ("budget", "folded", "tokens", "needed", "in context", "or one search away", "broken")
    console().print(table(*head, rows=rows))
    say(
        f"{report['runs']} runs: of {report['needed']} identifiers that later calls needed, "
        f"{_share(report['in_context'])} were in the context, {_share(report['reachable'])} there "
        f"or one search away (to reach: {_share(report['to_reach'])})."
    )
    broken = {name: times for name, times in report["violations"].items() if times}
    for name, times in broken.items():
        say(f"{name.replace('_', ' ')}: broken {times} times")


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.1%}"
