"""``neveridle run``: let the agents pull work."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.cli.running import How
    from neveridle.graph.report import RunReport
    from neveridle.settings import Settings


class Until(StrEnum):
    """When a run ends by itself."""

    IDLE = "idle"
    FOREVER = "forever"


def run_command(
    once: Annotated[
        bool, typer.Option("--once", help="One tick of each agent, and no more.")
    ] = False,
    until: Annotated[
        Until,
        typer.Option("--until", help="idle: until nothing is left that could be done now."),
    ] = Until.FOREVER,
    agents: Annotated[
        str | None,
        typer.Option("--agents", metavar="NAMES", help="Only these, such as sam,leo."),
    ] = None,
    ticks: Annotated[
        int | None, typer.Option("--ticks", min=1, help="At most so many ticks in all.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0.0, help="At most so many seconds.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="NAME", help="Use this model in place of all configured ones."
        ),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes",
            min=1,
            max=256,
            help="Share the agents among so many processes, watched and restarted by this one.",
        ),
    ] = None,
    grace: Annotated[
        float | None,
        typer.Option(
            "--grace",
            min=0.0,
            help="After SIGTERM, so many seconds to finish what is at work.",
        ),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Let the agents pull work, until Ctrl-C or as long as is asked for.

    Ctrl-C ends it within two seconds: what was at work goes back to the board, and the next
    run goes on with it. A second Ctrl-C ends it at once. SIGTERM lets what is at work finish
    first, for as long as --grace or fleet.grace says; a second signal is as Ctrl-C.
    """
    from neveridle.cli.failure import Misuse
    from neveridle.cli.options import commas
    from neveridle.cli.project import load, roster_of
    from neveridle.cli.running import How, conduct

    settings = load(config)
    if model is not None:
        settings = with_model(settings, model)
    roster = roster_of(settings)
    if agents is not None and not commas(agents):
        msg = "--agents names nobody."
        raise Misuse(msg, remedy=f"Name some of {', '.join(roster.names)}, or leave it out.")
    named = [roster.get(name).name for name in commas(agents)]
    names = list(dict.fromkeys(named)) or roster.names
    how = How(
        agents=names,
        until=Until.IDLE if once else until,
        ticks=len(names) if once else ticks,
        timeout=timeout,
        grace=settings.fleet.grace if grace is None else grace,
        processes=processes or settings.fleet.processes,
    )
    if how.processes > 1:
        _run_fleet(settings, how, json=json)
        return
    report, code = conduct(settings, how, json=json)
    _show(report, json=json)
    if code:
        from neveridle.cli.interrupt import leave

        leave(code)
    if failed(report):
        raise typer.Exit(1)


def _run_fleet(settings: Settings, how: How, *, json: bool) -> None:
    from neveridle.cli.fleet.conducting import conduct_fleet

    report, data, code = conduct_fleet(settings, how, json=json)
    _show(report, json=json, data=data)
    if code or failed(report):
        raise typer.Exit(code or 1)


def with_model(settings: Settings, name: str) -> Settings:
    """Settings in which one model stands in for all.

    Args:
        settings: as configured.
        name: the model; the path of a ``replay:`` is relative to the current folder.
    """
    kind, colon, path = name.partition(":")
    if kind == "replay" and colon:
        name = f"replay:{Path(path.strip()).absolute()}"
    return settings.with_model(name)


def failed(report: RunReport) -> bool:
    """Whether a run ended badly: agents had to stop, or nothing but failures came of it."""
    bad = any(report.endings.get(ending) for ending in ("failed", "blocked"))
    return bool(report.stopped) or (bad and not report.endings.get("completed"))


def _show(report: RunReport, *, json: bool, data: dict[str, Any] | None = None) -> None:
    from neveridle.cli.run_report import print_report
    from neveridle.cli.screen import print_json

    if json:
        print_json(data or report.as_dict())
    else:
        print_report(report)
