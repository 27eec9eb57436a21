"""``neveridle memory list``: what is remembered, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.memory_search import AgentOption, KindOption, SinceOption, TagOption
from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board
    from neveridle.board.memory_row import MemoryRow


def list_command(
    agent: AgentOption = None,
    kind: KindOption = None,
    tag: TagOption = None,
    since: SinceOption = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            help="In this state (live, superseded, retired, forgotten); can be repeated. "
            "Default: live.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="At most so many.")] = 50,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List memories, newest first."""
    from typing import get_args

    from neveridle.board.memory_row import State
    from neveridle.board.selection import Selection
    from neveridle.cli.failure import Misuse
    from neveridle.cli.memory_shown import as_dict, rows_table
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import console, print_json, say
    from neveridle.cli.times import time_of
    from neveridle.memory.privacy import sees

    states = [word.strip().lower() for word in state or ["live"]]
    for word in states:
        if word not in get_args(State):
            msg = f"'{word}' is no state of a memory."
            raise Misuse(msg, remedy=f"Use one of {', '.join(get_args(State))}.")

    async def work(board: Board) -> list[MemoryRow]:
        start = None
        if since is not None:
            start = time_of(since, now=await board.clock.now(), option="--since")
        which = Selection(
            tags=frozenset(tag or ()), kinds=frozenset(kind or ()), since=start,
            states=frozenset(states),
        )  # fmt: skip
        found: list[MemoryRow] = []
        after: int | None = None
        while len(found) < limit and (
            page := await board.memories.select(which, limit, after=after, newest=True)
        ):
            found += [row for row in page if sees(agent, row)]
            after = page[-1].id
        return found[:limit]

    rows = on_board(load(config), work, create=False)
    if json:
        print_json([as_dict(row) for row in rows])
    elif rows:
        console().print(rows_table(rows))
    else:
        say("Nothing of this kind is remembered.")
