"""``neveridle memory export``: memories as JSON lines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board
    from neveridle.memory import Memory

STREAM = "-"


def export_command(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to; -: stdout.")],
    agent: Annotated[
        str | None, typer.Option("--agent", help="Only this agent's, its private ones too.")
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Everybody's private ones too.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Write memories as JSON lines, which `memory import` reads; the file appears whole.

    Without --agent or --private, only what is shared with the team or public.
    """
    from neveridle.cli.memory_opened import on_memory
    from neveridle.cli.project import load
    from neveridle.cli.screen import print_json, say

    async def work(memory: Memory, board: Board) -> int:
        if file == STREAM:
            sys.stdout.flush()
            count = await memory.export(sys.stdout.buffer, agent=agent, private=private)
            sys.stdout.buffer.flush()
            return count
        return await memory.export(Path(file), agent=agent, private=private)

    count = on_memory(load(config), work, create=False)
    if file == STREAM:
        return
    if json:
        print_json({"file": file, "memories": count})
    else:
        say(f"{count:,} memories are in {file}.", lines=False)
