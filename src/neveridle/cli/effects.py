"""``neveridle effects``: what was written to services, and what is not known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.lazy import ListingGroup
from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board, Effect

app = typer.Typer(cls=ListingGroup, add_completion=False)


@app.callback()
def effects() -> None:
    """Look at what was written to services, and settle what is not known; alone it lists them."""


@app.command("list")
def list_command(
    open_only: Annotated[
        bool, typer.Option("--open", help="Only those of which it is not known if they were done.")
    ] = False,
    task: Annotated[
        str | None, typer.Option("--task", metavar="ID", help="Only of this task.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="At most so many, the newest.")
    ] = 200,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List effects, oldest first."""
    from neveridle.cli.effects_shown import effect_table
    from neveridle.cli.project import load, on_board, task_number
    from neveridle.cli.screen import console, print_json, say

    number = None if task is None else task_number(task)

    async def work(board: Board) -> list[Effect]:
        return await board.effects.find(open_only=open_only, task=number, limit=limit)

    found = on_board(load(config), work, create=False)
    if json:
        print_json([one.as_dict() for one in found])
        return
    if not found:
        say("There are no such effects.")
        return
    console().print(effect_table(found))


@app.command("settle")
def settle_command(
    effect: Annotated[str, typer.Argument(metavar="ID", help="The effect's number.")],
    state: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="WORD",
            help="done; refused: it was not done, and shall not be; open: it was not done, and "
            "shall be.",
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why, for those who look later.")] = "",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Say what you found out about an effect of which nobody here knows if it was done."""
    from neveridle.board import EffectState
    from neveridle.cli.failure import Misuse
    from neveridle.cli.project import load, number_of, on_board
    from neveridle.cli.screen import print_json, say

    words = {
        "done": EffectState.DONE,
        "refused": EffectState.REFUSED,
        "open": EffectState.INTENDED,
    }
    wanted = words.get(state.strip().lower())
    if wanted is None:
        msg = f"'{state}' is not how an effect is settled."
        raise Misuse(msg, remedy=f"Use one of {', '.join(words)}.")
    number = number_of(effect, "effect", "`neveridle effects --open` lists them.")

    async def work(board: Board) -> Effect:
        return await board.effects.settle_by_hand(number, wanted, reason=reason)

    found = on_board(load(config), work, create=False)
    if json:
        print_json(found.as_dict())
        return
    then = "" if found.task_id is None else f" `neveridle tasks retry {found.task_id}` goes on."
    say(f"Effect {number} ({found.name} on {found.target}) is {found.word}.{then}")
