"""``neveridle budget raise``: let a task cost more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board, Task


def raise_command(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task's id.")],
    tokens: Annotated[
        int | None, typer.Option("--tokens", min=1, help="Tokens it may use in all.")
    ] = None,
    cost: Annotated[
        float | None,
        typer.Option("--cost", min=0.0, max=1e9, help="US dollars it may cost in all."),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Set what a task may cost in all, with all it was handed over to.

    It wins over [budgets.task]. Where the task waits for that, it goes on where it was.
    """
    from neveridle.board.task_budget import raise_budget
    from neveridle.cli.project import load, on_board, task_number
    from neveridle.cli.screen import print_json, say

    number = task_number(task)

    async def work(board: Board) -> Task:
        return await raise_budget(board.database, number, tokens=tokens, cost=cost)

    found = on_board(load(config), work, create=False)
    if json:
        print_json(found.as_dict())
        return
    parts = [
        *([] if tokens is None else [f"{tokens:,} tokens"]),
        *([] if cost is None else [f"${cost:,.2f}"]),
    ]
    say(f"Task #{number} may cost {' and '.join(parts)} in all; it is {found.state}.")
