"""``neveridle metrics``: what the team did and what it cost, in any window of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board.metrics import Figures

BY = ("agent", "rung", "model", "hour", "day")


def metrics_command(
    since: Annotated[
        str,
        typer.Option(
            "--since",
            metavar="TIME",
            help="When the window begins: 2026-11-01, 2026-11-01T14:00, how long ago (90s, "
            "15min, 24h, 3d, 1w), or all.",
        ),
    ] = "24h",
    until: Annotated[
        str,
        typer.Option("--until", metavar="TIME", help="When it ends, likewise. Default: now."),
    ] = "",
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="NAME", help="Only of this agent.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="WHAT", help=f"Take it apart: {', '.join(BY)}."),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show the six metrics with their targets, and what was spent on models.

    Every figure comes from the board's log of events. A figure that has nothing to be divided
    by is shown as a dash, and its status is none.
    """
    import asyncio

    from neveridle.cli.failure import Misuse
    from neveridle.cli.project import load
    from neveridle.cli.screen import print_json

    if by is not None and by not in BY:
        msg = f"'{by}' is no way to take metrics apart."
        raise Misuse(msg, remedy=f"Use one of {', '.join(BY)}.")
    settings = load(config)
    found = asyncio.run(_ask(settings.board_url, since, until, agent, by))
    if json:
        document: dict[str, Any] = {"team": settings.team.name, **found[0].as_dict()}
        print_json(
            document | ({"series": [one.as_dict() for one in found[1:]]} if found[1:] else {})
        )
        return
    from neveridle.cli.metrics_shown import pages
    from neveridle.cli.screen import console

    out = console()
    for part in pages(found[0], found[1:], by=by, team=settings.team.name):
        out.print(part)


async def _ask(
    url: str, since: str, until: str, agent: str | None, by: str | None
) -> list[Figures]:
    """The figures of the window, then those of its pieces."""
    from neveridle.board import Board
    from neveridle.board.metrics import Window
    from neveridle.board.metrics.window import DAY, HOUR
    from neveridle.cli.failure import Misuse
    from neveridle.cli.times import time_of

    async with Board(url, create=False) as board:
        now = await board.clock.now()
        end = time_of(until, now=now, option="--until") if until else now
        if since.strip().lower() == "all":
            begin = min((await board.metrics.all_time()).since, end - 1.0)
        else:
            begin = time_of(since, now=now, option="--since")
        if begin >= end:
            msg = "The window ends before it begins, or holds no time at all."
            raise Misuse(msg, remedy="Let --since be earlier than --until.")
        window = Window(begin, end)
        found = [await board.metrics.of(window, agent=agent)]
        if by in ("hour", "day"):
            width = HOUR if by == "hour" else DAY
            found += await board.metrics.series(window, width=width, agent=agent)
        return found
