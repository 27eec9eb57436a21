"""``neveridle memory forget``: erase memories for ever."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board
    from neveridle.board.memory_row import MemoryRow
    from neveridle.memory import Memory


def forget_command(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Numbers of memories.")
    ] = None,
    agent: Annotated[str | None, typer.Option("--agent", help="Only of this agent.")] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", help="Only from this source, such as task:12, or what is in it."),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", help="Only with this tag; can be repeated: with all of them."),
    ] = None,
    before: Annotated[
        str | None,
        typer.Option("--before", metavar="TIME", help="Only what happened before; 90d: days ago."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Erase memories with their vectors, for ever; asks first.

    Of what is given, all must hold: `--agent sam --tag draft` forgets what sam has with that tag.
    """
    from neveridle.cli.failure import Misuse
    from neveridle.cli.memory_opened import on_memory
    from neveridle.cli.project import load, number_of
    from neveridle.cli.screen import print_json, say
    from neveridle.cli.times import time_of
    from neveridle.errors import NotFound
    from neveridle.memory.memory import selection

    numbers = [number_of(one, "memory", "`neveridle memory list` shows them.") for one in ids or ()]
    if not numbers and agent is None and source is None and not tag and before is None:
        msg = "Nothing is said of what to forget."
        raise Misuse(msg, remedy="Give numbers, or --agent, --source, --tag or --before.")
    if not yes and not (sys.stdin.isatty() and sys.stdout.isatty() and not json):
        msg = "What is forgotten is gone for ever, and nobody is here to be asked."
        raise Misuse(msg, remedy="Add --yes to do it without asking.")
    settings = load(config)

    async def work(memory: Memory, board: Board) -> list[int]:
        start = None
        if before is not None:
            start = time_of(before, now=await board.clock.now(), option="--before")
        which = selection(numbers, agent=agent, tags=tag or (), before=start, source=source)
        if not yes:
            some = await board.memories.select(which, _SHOWN + 1)
            if not some or not _agreed(some):
                return []
        return await memory.forget(
            numbers, agent=agent, tags=tag or (), before=start, source=source
        )

    def _agreed(some: list[MemoryRow]) -> bool:
        from neveridle.cli.memory_shown import rows_table
        from neveridle.cli.screen import console

        console().print(rows_table(some[:_SHOWN]))
        more = " and more" if len(some) > _SHOWN else ""
        return typer.confirm(f"Forget {len(some[:_SHOWN])}{more} for ever?")

    gone = on_memory(settings, work, create=False)
    if numbers and yes and not gone:
        msg = f"There is no such memory: {', '.join(f'#{one}' for one in numbers[:10])}."
        raise NotFound(msg, remedy="`neveridle memory list` shows those there are.")
    if json:
        print_json({"forgotten": gone})
    else:
        say(f"{len(gone):,} memories are forgotten." if gone else "Nothing is forgotten.")


_SHOWN = 20
