"""``neveridle services``: which outside services can be called now, and since when not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from neveridle.cli.lazy import ListingGroup
from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from neveridle.board import Board
    from neveridle.settings import Settings

app = typer.Typer(cls=ListingGroup, add_completion=False)

COLOURS = {"closed": "green", "open": "red", "half_open": "yellow", "held": "red"}


@app.callback()
def services() -> None:
    """Look at the breakers of outside services, and reset them; alone it lists them."""


@app.command("list")
def list_command(config: ConfigOption = None, json: JsonOption = False) -> None:
    """List services: how each stands, why, when it is tried again, and what waits for it."""
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import console, print_json, say

    settings = load(config)
    known = _configured(settings)

    async def work(board: Board) -> list[dict[str, Any]]:
        from neveridle.board.breaker import Breaker

        found = {one.service: one for one in await board.breakers.all()}
        now, waiting = await board.clock.now(), await board.breakers.waiting()
        rows = [found.get(name, Breaker(service=name)) for name in sorted({*found, *known})]
        return [
            {
                **one.as_dict(),
                "retry_in": None if one.retry_at is None else max(one.retry_at - now, 0.0),
                "configured": one.service in known,
                "tasks": waiting.get(one.service, 0),
            }
            for one in rows
        ]

    found = on_board(settings, work, create=False)
    if json:
        print_json(found)
    elif found:
        console().print(_table(found))
    else:
        say("No service is configured, and none was used.")


@app.command("reset")
def reset_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The service.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Let a service be called again at once, after you have repaired what was wrong with it."""
    from neveridle.board.breaker import BreakerState
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import print_json, say

    settings = load(config)
    known = frozenset(_configured(settings))

    async def work(board: Board) -> dict[str, Any]:
        return (await board.breakers.reset(name, known)).as_dict()

    before = on_board(settings, work, create=False)
    if json:
        print_json({"service": name, "before": before})
        return
    was = str(before["state"])
    now = "could be called, and still can" if was == BreakerState.CLOSED else "can be called again"
    why = f" It was {was.replace('_', '-')}." if was != BreakerState.CLOSED else ""
    say(f"{name} {now}.{why}")


def _configured(settings: Settings) -> list[str]:
    """The names of the services that the settings know, by which tasks need them."""
    tables = settings.services
    given = (tables.linear, tables.github, tables.vercel, tables.convex, tables.slack)
    return sorted([*(one.name for one in given if one is not None), *tables.mcp])


def _table(found: list[dict[str, Any]]) -> Table:
    from neveridle.cli.screen import ago, styled, table

    rows = [
        (
            one["service"],
            styled(one["state"].replace("_", "-"), COLOURS[one["state"]]),
            one["failures"],
            _again(one, ago),
            one["tasks"] or "-",
            one["reason"][:200],
        )
        for one in found
    ]
    return table("service", "state", "failures", "tried again", "tasks", "why", rows=rows)


def _again(one: dict[str, Any], ago: Callable[[float], str]) -> str:
    match one["state"]:
        case "closed":
            return "-"
        case "held":
            return "when it is reset"
        case "half_open":
            return "now"
        case _:
            return f"in {ago(one['retry_in'])}" if one["retry_in"] else "by the next call"
