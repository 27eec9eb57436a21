"""``neveridle memory add``: a person tells an agent something."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board
    from neveridle.board.memory_row import MemoryRow
    from neveridle.memory import Memory


def add_command(
    text: Annotated[str, typer.Argument(help="What to remember; -: what comes on stdin.")],
    agent: Annotated[str, typer.Option("--agent", help="Whose memory it is.")],
    kind: Annotated[str, typer.Option("--kind", help="What it is.")] = "note",
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="A word to find it by; can be repeated.")
    ] = None,
    source: Annotated[
        str, typer.Option("--source", help="Where it comes from, such as a link.")
    ] = "",
    importance: Annotated[
        float, typer.Option("--importance", min=0.0, max=1.0, help="0 to 1.")
    ] = 0.5,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="When it happened: 2026-03-01T14:00, 3d, 2h."),
    ] = None,
    visibility: Annotated[
        str, typer.Option("--visibility", help="Who sees it: private, team or public.")
    ] = "private",
    trusted: Annotated[
        bool, typer.Option("--trusted", help="You vouch for it: agents need not prove it.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Remember something for an agent; a running team finds it at once."""
    from neveridle.board.memory_row import Visibility
    from neveridle.cli.failure import Misuse
    from neveridle.cli.memory_opened import on_memory
    from neveridle.cli.memory_shown import as_dict
    from neveridle.cli.project import load
    from neveridle.cli.screen import print_json, say
    from neveridle.cli.times import time_of

    if visibility not in get_args(Visibility):
        msg = f"'{visibility}' is no visibility."
        raise Misuse(msg, remedy=f"Use one of {', '.join(get_args(Visibility))}.")
    words = sys.stdin.buffer.read().decode("utf-8", "replace") if text == "-" else text

    async def work(memory: Memory, board: Board) -> MemoryRow:
        row = await memory.remember(
            words,
            agent=agent,
            kind=kind,
            tags=tag or [],
            source=source,
            importance=importance,
            at=None if at is None else time_of(at, now=await board.clock.now(), option="--at"),
            trusted=trusted,
            visibility="team" if visibility == "team" else
            "public" if visibility == "public" else "private",
            origin="person",
        )  # fmt: skip
        return (await board.memories.get([row]))[0]

    found = on_memory(load(config), work, create=True)
    if json:
        print_json(as_dict(found))
    else:
        say(f"{found.agent} remembers it as #{found.id}.", lines=False)
