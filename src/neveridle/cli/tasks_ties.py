"""``neveridle tasks release``, ``link`` and ``unlink``: what ties tasks together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board, Task

TaskArgument = Annotated[str, typer.Argument(metavar="ID", help="The task's number.")]
OtherArgument = Annotated[str, typer.Argument(metavar="OTHER", help="The other task's number.")]
KindOption = Annotated[
    str,
    typer.Option(
        "--kind",
        help="parent-child: it is part of the other one, and waits for what that one waits for. "
        "Any other word is a note.",
    ),
]


def release_command(
    task: TaskArgument,
    on: Annotated[str, typer.Option("--on", metavar="ID", help="The task not to wait for.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Let a task no longer wait for another one."""
    from neveridle.cli.project import load, on_board, task_number

    number, other = task_number(task), task_number(on)

    async def work(board: Board) -> Task:
        await board.tasks.release_dependency(number, other)
        return await board.tasks.get(number)

    found = on_board(load(config), work, create=False)
    _tell(found, f"Task #{number} does not wait for #{other}.", json)


def link_command(
    task: TaskArgument,
    other: OtherArgument,
    kind: KindOption = "parent-child",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Tie a task to another one, by default as a part of it."""
    from neveridle.cli.project import load, on_board, task_number

    number, to = task_number(task), task_number(other)

    async def work(board: Board) -> Task:
        await board.links.add(number, to, kind=kind)
        return await board.tasks.get(number)

    found = on_board(load(config), work, create=False)
    part = f"is part of #{to}" if kind == "parent-child" else f"is tied to #{to}: {kind}"
    _tell(found, f"Task #{number} {part}.", json)


def unlink_command(
    task: TaskArgument,
    other: OtherArgument,
    kind: KindOption = "parent-child",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Take a tie between two tasks back."""
    from neveridle.cli.project import load, on_board, task_number

    number, to = task_number(task), task_number(other)

    async def work(board: Board) -> Task:
        await board.links.remove(number, to, kind=kind)
        return await board.tasks.get(number)

    found = on_board(load(config), work, create=False)
    _tell(found, f"Task #{number} is no longer tied to #{to} as {kind}.", json)


def _tell(task: Task, sentence: str, json: bool) -> None:
    from neveridle.cli.screen import print_json, say

    if json:
        print_json(task.as_dict())
    else:
        say(sentence, lines=False)
