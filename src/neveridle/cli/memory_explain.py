"""``neveridle memory explain``: why a memory is found for a query, or is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.memory_search import (
    AgentOption,
    KindOption,
    LayerOption,
    SinceOption,
    TagOption,
    layers_of,
)
from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board
    from neveridle.memory import Memory
    from neveridle.memory.explaining import Explanation


def explain_command(
    memory: Annotated[str, typer.Argument(metavar="ID", help="The memory's number.")],
    query: Annotated[str, typer.Argument(help="What was, or would be, searched for.")],
    k: Annotated[int, typer.Option("-k", "--limit", min=1, help="Found means: among so many.")] = 5,
    agent: AgentOption = None,
    layer: LayerOption = None,
    tag: TagOption = None,
    kind: KindOption = None,
    since: SinceOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Say why a memory is found for a query, or is not: its rank by each signal, and the scope."""
    from neveridle.cli.memory_opened import on_memory
    from neveridle.cli.memory_shown import as_dict, line_of, provenance
    from neveridle.cli.project import load, number_of
    from neveridle.cli.screen import console, print_json, say, table
    from neveridle.cli.times import time_of

    number = number_of(memory, "memory", "`neveridle memory list` shows them.")
    layers = layers_of(layer)

    async def work(opened: Memory, board: Board) -> Explanation:
        start = None
        if since is not None:
            start = time_of(since, now=await board.clock.now(), option="--since")
        return await opened.explain(
            query, number, k=k, agent=agent, layers=layers, tags=tag or (), since=start,
            kinds=kind or (),
        )  # fmt: skip

    found = on_memory(load(config), work, create=False)
    if json:
        print_json({**found.as_dict(), "memory": as_dict(found.row)})
        return
    say(found.said, lines=False)
    facts = [
        ("memory", f"#{found.row.id} {line_of(found.row)}"),
        ("from", provenance(found.row)),
        ("layer", found.layer),
        ("rank", "-" if found.rank is None else f"{found.rank} (score {found.score:.2f})"),
        *((f"by {_WORDS[name]}", rank or "not found") for name, rank in found.ranks.items()),
        *(
            (name, f"{value:.3g}")
            for name, value in sorted(found.reasons.items())
            if not name.endswith("_rank")
        ),
    ]
    console().print(table("", "", rows=facts))


_WORDS = {"dense": "meaning", "lexical": "words", "late": "meaning, word by word"}
