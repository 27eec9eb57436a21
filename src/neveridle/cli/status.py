"""``neveridle status``: how the team stands, read without waking anything heavy."""

from __future__ import annotations

from typing import Annotated

import typer

from neveridle.cli.facts import status_of as status_of
from neveridle.cli.options import ConfigOption, JsonOption

EveryOption = Annotated[
    float,
    typer.Option("--every", metavar="SECONDS", min=0.2, max=3600.0,
                 help="With --watch: seconds between two looks."),
]  # fmt: skip


def status_command(
    watch: Annotated[
        bool,
        typer.Option("--watch", "-w", help="Show it live, until Ctrl-C; see `neveridle top`."),
    ] = False,
    every: EveryOption = 2.0,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show how the team stands: agents, tasks, what waits for you, what it cost."""
    from neveridle.cli.project import load

    settings = load(config)
    if watch:
        from neveridle.cli.watch import watch as follow

        follow(settings, every=every, json=json)
        return
    import asyncio

    from neveridle.board.glance import glance
    from neveridle.cli.sayings import SHOWN
    from neveridle.cli.screen import print_json

    numbers = asyncio.run(glance(settings.board_url, SHOWN))
    facts = status_of(numbers, lease=settings.leases.lease, settings=settings)
    if json:
        print_json({"team": settings.team.name, **facts})
        return
    from neveridle.cli.printed import print_lines, screen_width
    from neveridle.cli.sections import stacked
    from neveridle.cli.status_view import sections

    print_lines(stacked(sections(facts, team=settings.team.name, width=screen_width())))


def top_command(
    every: EveryOption = 2.0, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """Show live how the team stands, until Ctrl-C: `neveridle status --watch`.

    Where it is no terminal that this is shown on, it prints one status after the other.
    """
    status_command(watch=True, every=every, config=config, json=json)
