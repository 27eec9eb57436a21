"""``neveridle inbox``: what waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from neveridle.cli.lazy import ListingGroup
from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board
    from neveridle.board.inbox_item import Item

app = typer.Typer(cls=ListingGroup, add_completion=False)

ItemArgument = Annotated[str, typer.Argument(metavar="ID", help="The item's number.")]
ByOption = Annotated[
    str, typer.Option("--by", metavar="NAME", help="Who you are. Default: you at this host.")
]


@app.callback()
def inbox() -> None:
    """See what waits for a person: questions, approvals, alerts; alone it lists them."""


@app.command("list")
def list_command(
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was answered, dismissed or withdrawn.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 200,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List what is open, oldest first, and what to type."""
    from neveridle.board.inbox_item import ItemState
    from neveridle.cli.inbox_shown import as_dict, print_items
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import print_json, say

    async def work(board: Board) -> tuple[list[Item], float]:
        state = None if everything else ItemState.OPEN
        found = await board.inbox.find(state=state, limit=limit)
        return found[::-1], await board.clock.now()

    found, now = on_board(load(config), work, create=False)
    if json:
        print_json([as_dict(item, now) for item in found])
    elif found:
        print_items(found, now)
    else:
        say("Nothing waits for you.")


@app.command("show")
def show_command(item: ItemArgument, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show one item: all that is asked, the evidence, and what became of it."""
    from neveridle.cli.inbox_shown import as_dict, print_item
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import print_json

    number = item_number(item)

    async def work(board: Board) -> tuple[Item, float]:
        return await board.inbox.get(number), await board.clock.now()

    found, now = on_board(load(config), work, create=False)
    if json:
        print_json(as_dict(found, now))
    else:
        print_item(found, now)


@app.command("dismiss")
def dismiss_command(
    item: ItemArgument, by: ByOption = "", config: ConfigOption = None, json: JsonOption = False
) -> None:
    """Close an item without an answer: who asked goes on without, an approval is denied."""
    from neveridle.cli.inbox_shown import as_dict
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import print_json, say

    number = item_number(item)

    async def work(board: Board) -> tuple[Item, float]:
        closed = await board.answering.dismiss(number, by=by or whoever())
        return closed, await board.clock.now()

    found, now = on_board(load(config), work, create=False)
    if json:
        print_json(as_dict(found, now))
    else:
        say(f"Item {number} is dismissed.{_then(found)}")


def approve_command(
    item: ItemArgument,
    answer: Annotated[
        str | None,
        typer.Option(
            "--answer",
            metavar="TEXT",
            help="The answer to a question, or words with a yes or no; - reads standard input.",
        ),
    ] = None,
    deny: Annotated[
        bool, typer.Option("--deny", help="Say no; --answer says why, for the agent.")
    ] = False,
    by: ByOption = "",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Answer a question of an agent, or say yes or no to what it is about to do."""
    import sys

    from neveridle.cli.inbox_shown import as_dict
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import print_json, say

    number = item_number(item)
    text = sys.stdin.read(1_000_000) if answer == "-" else (answer or "")

    async def work(board: Board) -> tuple[Item, float]:
        closed = await board.answering.answer(
            number, approved=not deny, text=text, by=by or whoever()
        )
        return closed, await board.clock.now()

    found, now = on_board(load(config), work, create=False)
    if json:
        print_json(as_dict(found, now))
        return
    said = "answered" if found.kind == "question" else "approved" if found.approved else "denied"
    say(f"Item {number} is {said}.{_then(found)}")


def item_number(text: str) -> int:
    """The id of an item as a person writes it: ``12`` or ``#12``.

    Raises:
        NotFound: it is no number.
    """
    from neveridle.cli.project import number_of

    return number_of(text, "item", "`neveridle inbox` lists them.")


def whoever() -> str:
    """Who types this, as ``user@host``."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


def _then(item: Any) -> str:
    return "" if item.task is None else f" Task #{item.task} goes on once nothing of it is open."
