"""``neveridle eval record``: make a recorded task of a live run."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.options import JsonOption, commas

if TYPE_CHECKING:
    from neveridle.evals.record import Recorded


class RecordUntil(StrEnum):
    """When the live run ends."""

    IDLE = "idle"
    TIMEOUT = "timeout"


def record_command(
    folder: Annotated[
        Path, typer.Argument(help="Where the recorded task goes: a new folder, or an empty one.")
    ],
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="PATH",
            help="The project's neveridle.toml, or its folder. Unset: the nearest one.",
        ),
    ] = None,
    until: Annotated[
        RecordUntil,
        typer.Option("--until", help="idle: until nothing is left to do; timeout: all the time."),
    ] = RecordUntil.IDLE,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1.0, help="At most so many simulated seconds.")
    ] = 3600.0,
    model: Annotated[
        str,
        typer.Option("--model", metavar="NAME", help="Use this model in place of all set."),
    ] = "",
    agents: Annotated[
        str, typer.Option("--agents", metavar="NAMES", help="Only these, such as sam,leo.")
    ] = "",
    title: Annotated[str, typer.Option("--title", help="The recorded task's title.")] = "",
    replay: Annotated[
        bool, typer.Option("--replay/--no-replay", help="Whether it is replayed once at the end.")
    ] = True,
    json: JsonOption = False,
) -> None:
    """Run the team live on a copy of its project, and make a recorded task of that.

    Models and services are the real ones: tokens are paid for, and what the team does to a
    tracker or a repository on GitHub is done. Exit code 1 where the replay does not hold.
    """
    from neveridle.cli.project import load
    from neveridle.cli.screen import print_json, say
    from neveridle.evals.record import record_task

    found = record_task(
        load(settings),
        folder,
        model=model,
        until=until.value,
        timeout=timeout,
        title=title,
        agents=tuple(commas(agents)),
        replay=replay,
        tell=lambda text: say(text, err=True),
    )
    if json:
        print_json(found.as_dict())
    else:
        _show(found)
    if not found.holds:
        raise typer.Exit(1)


def _show(found: Recorded) -> None:
    from neveridle.cli.screen import say

    for line in found.notices:
        say(line)
    for line in found.left_out:
        say(f"Left out: {line}")
    for line in found.path:
        say(f"  {line}")
    say(
        f"{found.folder}: {found.model_calls} calls of models and {found.exchanges} requests to "
        f"services are recorded."
    )
    if found.replay is None:
        return
    if found.holds:
        say("Its replay came to the same.")
        return
    say("Its replay came to something else:")
    if found.replay.trouble is not None:
        say(f"  {found.replay.trouble.message}")
    for one in found.replay.scores:
        if not one.passed:
            say(f"  {one.name}: {one.detail}")
