"""``neveridle dispatch``: address a task to an agent."""

from __future__ import annotations

from typing import Annotated

import typer

from neveridle.cli.options import ConfigOption, JsonOption


def dispatch_command(
    agent: Annotated[str, typer.Argument(help="Whom it is addressed to.")],
    title: Annotated[str, typer.Argument(help="What to do, in a line.")],
    description: Annotated[
        str, typer.Option("--description", "-d", help="What to do, at length.")
    ] = "",
    ticket: Annotated[str, typer.Option("--ticket", help="The ticket it belongs to.")] = "",
    priority: Annotated[
        str, typer.Option("--priority", "-p", help="low, normal, high or urgent.")
    ] = "normal",
    after: Annotated[
        list[str] | None,
        typer.Option("--after", metavar="ID", help="A task to complete first; can be repeated."),
    ] = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            "--accept",
            metavar="COMMAND",
            help="A command that must succeed beside the project's checks; can be repeated.",
        ),
    ] = None,
    no_change: Annotated[
        bool, typer.Option("--no-change", help="The work can be right without changing a file.")
    ] = False,
    needs: Annotated[
        list[str] | None,
        typer.Option(
            "--needs",
            metavar="SERVICE",
            help="A service it needs: nobody is given it while that cannot be used; can be "
            "repeated.",
        ),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Address a task to an agent; a team that runs takes it up at once."""
    from neveridle.board import Board, NewTask, Priority, Source, Task
    from neveridle.cli.project import agent_name, load, on_board, task_number
    from neveridle.cli.screen import print_json, say

    settings = load(config)
    new = NewTask(
        source=Source.DISPATCH,
        title=title,
        description=description,
        ticket=ticket,
        priority=Priority.parse(priority),
        assignee=agent_name(settings, agent),
        after=tuple(task_number(one) for one in after or []),
        acceptance=tuple(accept or []),
        needs_change=not no_change,
        services=tuple(one.strip().lower() for one in needs or []),
    )

    async def work(board: Board) -> Task:
        return await board.tasks.add(new)

    task = on_board(settings, work, create=True)
    if json:
        print_json(task.as_dict())
        return
    say(f"Task #{task.id} for {task.assignee}: {task.title}", lines=False)
