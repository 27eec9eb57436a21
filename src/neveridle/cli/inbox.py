"""``neveridle inbox``: what waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from neveridle.cli.lazy import ListingGroup
from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board
    from neveridle.board.inbox_item import Item

LONGEST: Final = 1_000_000
"""Bytes of an answer that are read; the board takes far fewer, and says how many."""

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
    from neveridle.cli.inbox_shown import as_dict
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import print_json, say

    number = item_number(item)
    text = _typed() if answer == "-" else (answer or "")

    async def work(board: Board) -> tuple[Item, float]:
        closed = await board.answering.answer(
            number, approved=not deny, text=text, by=by or whoever()
        )
        return closed, await board.clock.now()

    found, now = on_board(load(config), work, create=False)
    if json:
        print_json(as_dict(found, now))
        return
    said = (
        "denied" if not found.approved else "answered" if found.kind == "question" else "approved"
    )
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


def _typed() -> str:
    """The answer on standard input.

    Raises:
        Misuse: it is no text; an agent would be told gibberish, and nobody could answer again.
    """
    import sys

    from neveridle.cli.failure import Misuse

    data = sys.stdin.buffer.read(LONGEST)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        msg = "What is on standard input is no text in UTF-8."
        raise Misuse(
            msg, remedy="Nothing was answered. Give the answer as UTF-8, or after --answer."
        )
    return text


def _then(item: Item) -> str:
    if item.task is None or item.kind == "alert":  # nothing waits for an alert
        return ""
    return f" Task #{item.task} goes on once nothing of it is open."
