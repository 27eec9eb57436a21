"""``neveridle memory search``: what would be recalled, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board
    from neveridle.memory import Hit, Memory
    from neveridle.memory.library import Mode

AgentOption = Annotated[
    str | None,
    typer.Option(
        "--agent", help="See as this agent: its own, and what others share. Default: everything."
    ),
]
LayerOption = Annotated[
    list[str] | None,
    typer.Option(
        "--layer",
        help="Look in soul, working, short or long; can be repeated. Default: short, long.",
    ),
]
TagOption = Annotated[
    list[str] | None,
    typer.Option("--tag", help="Only with this tag; can be repeated: with all of them."),
]
KindOption = Annotated[
    list[str] | None, typer.Option("--kind", help="Only of this kind; can be repeated.")
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Only since 2026-03-01T14:00, or 2h, 3d, 1w ago."),
]


def search_command(
    query: Annotated[str, typer.Argument(help="Words or sentences.")],
    k: Annotated[int, typer.Option("-k", "--limit", min=1, max=1000, help="At most so many.")] = 10,
    agent: AgentOption = None,
    layer: LayerOption = None,
    tag: TagOption = None,
    kind: KindOption = None,
    since: SinceOption = None,
    budget: Annotated[
        int | None,
        typer.Option("--budget-tokens", min=1, help="Stop where the texts exceed so many tokens."),
    ] = None,
    mode: Annotated[
        str, typer.Option("--mode", help="hybrid; or one signal alone: dense or lexical.")
    ] = "hybrid",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Search memory as an agent's recall does: each hit says why it was found."""
    from neveridle.cli.memory_opened import on_memory
    from neveridle.cli.memory_shown import hit_as_dict, hits_table
    from neveridle.cli.project import load
    from neveridle.cli.screen import console, print_json, say
    from neveridle.cli.times import time_of

    layers, way = layers_of(layer), mode_of(mode)

    async def work(memory: Memory, board: Board) -> list[Hit]:
        start = None
        if since is not None:
            start = time_of(since, now=await board.clock.now(), option="--since")
        return await memory.recall(
            query, k=k, agent=agent, layers=layers, tags=tag or (), since=start,
            budget_tokens=budget, kinds=kind or (), mode=way,
        )  # fmt: skip

    hits = on_memory(load(config), work, create=False)
    if json:
        print_json([hit_as_dict(hit) for hit in hits])
    elif hits:
        console().print(hits_table(hits))
    else:
        say("Nothing is remembered that answers this.")


def layers_of(given: list[str] | None) -> list[str]:
    """The layers that were named; short and long where none was.

    Raises:
        Misuse: one of them is no layer.
    """
    from neveridle.cli.failure import Misuse
    from neveridle.memory.scope import LAYERS

    named = [word.strip().lower() for word in given or ["short", "long"]]
    for word in named:
        if word not in LAYERS:
            msg = f"'{word}' is no layer."
            raise Misuse(msg, remedy=f"Use one of {', '.join(LAYERS)}.")
    return named


def mode_of(given: str) -> Mode:
    """The way of searching that was named.

    Raises:
        Misuse: it is none.
    """
    from neveridle.cli.failure import Misuse
    from neveridle.memory.library import MODES

    for mode in MODES:
        if given.strip().lower() == mode:
            return mode
    msg = f"'{given}' is no way of searching."
    raise Misuse(msg, remedy=f"Use one of {', '.join(MODES)}.")
