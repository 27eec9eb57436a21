"""``neveridle memory undo``: restore what a consolidation changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board.memories.consolidations import Consolidation
    from neveridle.settings import Settings


def undo_command(
    number: Annotated[
        int | None,
        typer.Argument(metavar="[ID]", help="The consolidation; else the newest not undone."),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Restore the memories that a consolidation merged or retired, exactly as they were.

    Where they have changed since nothing is done, and it is said what has changed.
    """
    import asyncio
    import dataclasses

    from neveridle.cli.project import load
    from neveridle.cli.screen import print_json, say

    undone = asyncio.run(_undo(load(config), number))
    if json:
        print_json(dataclasses.asdict(undone))
    else:
        say(f"Consolidation {undone.id} is undone: {undone.changed} memories are as they were.")


async def _undo(settings: Settings, number: int | None) -> Consolidation:
    from neveridle.board import Board

    async with Board(settings.board_url, create=False) as board:
        return await board.memories.consolidations.undo(number)
