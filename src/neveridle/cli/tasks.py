"""``neveridle tasks``: look at the tasks of the board, and change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.lazy import ListingGroup
from neveridle.cli.options import ConfigOption, JsonOption
from neveridle.cli.tasks_beads import export_command, import_command
from neveridle.cli.tasks_plan import blocked_command, ready_command, tree_command
from neveridle.cli.tasks_ties import link_command, release_command, unlink_command

if TYPE_CHECKING:
    from neveridle.board import Board, Task

app = typer.Typer(cls=ListingGroup, add_completion=False)

TaskArgument = Annotated[str, typer.Argument(metavar="ID", help="The task's number.")]


@app.callback()
def tasks() -> None:
    """Look at the tasks on the board, and change them; alone it lists them."""


@app.command("list")
def list_command(
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            help="Only in this state (pending, in_progress, waiting, blocked, completed, "
            "failed, cancelled); can be repeated.",
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            help="Only from this rung (dispatch, backlog, roadmap, improvement); can be repeated.",
        ),
    ] = None,
    agent: Annotated[
        str | None, typer.Option("--agent", help="Only addressed to this agent.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 1000,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List tasks, oldest first."""
    from neveridle.board import Source, TaskState
    from neveridle.cli.project import agent_name, load, on_board
    from neveridle.cli.screen import console, print_json, say, table
    from neveridle.cli.words import chosen

    settings = load(config)
    states, sources = chosen(TaskState, state, "state"), chosen(Source, source, "source")
    name = None if agent is None else agent_name(settings, agent)

    async def work(board: Board) -> list[Task]:
        return await board.tasks.find(states=states, sources=sources, assignee=name, limit=limit)

    found = on_board(settings, work, create=False)
    if json:
        print_json([task.as_dict() for task in found])
        return
    if not found:
        say("There are no such tasks.")
        return
    from neveridle.cli.tasks_show import standing

    rows = [
        (f"#{task.id}", task.source, task.assignee or "-", standing(task), task.title)
        for task in found
    ]
    console().print(table("id", "source", "for", "state", "title", rows=rows))


@app.command("show")
def show_command(task: TaskArgument, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show one task: its attempts, their evidence, its handoff, what happened."""
    from neveridle.cli.project import load, on_board, task_number
    from neveridle.cli.screen import print_json
    from neveridle.cli.tasks_show import TaskStory, print_story, read_story

    number = task_number(task)

    async def work(board: Board) -> TaskStory:
        return await read_story(board, number)

    story = on_board(load(config), work, create=False)
    if json:
        print_json(story.as_dict())
    else:
        print_story(story)


@app.command("add")
def add_command(
    title: Annotated[str, typer.Argument(help="What to do, in a line.")],
    description: Annotated[
        str, typer.Option("--description", "-d", help="What to do, at length.")
    ] = "",
    priority: Annotated[
        str, typer.Option("--priority", "-p", help="low, normal, high or urgent.")
    ] = "normal",
    skill: Annotated[
        list[str] | None,
        typer.Option("--skill", help="A skill its agent must have; can be repeated."),
    ] = None,
    service: Annotated[
        list[str] | None,
        typer.Option("--service", help="A service the work needs; can be repeated."),
    ] = None,
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
    agent: Annotated[
        str | None,
        typer.Option("--agent", help="Address it to this agent. Default: to whoever can."),
    ] = None,
    sync: Annotated[
        str,
        typer.Option(
            "--sync", metavar="NAME", help="The sync point at which its completion is a check-in."
        ),
    ] = "",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Put a task into the backlog."""
    from neveridle.board import NewTask, Priority, Source
    from neveridle.cli.project import agent_name, load, on_board, task_number

    settings = load(config)
    new = NewTask(
        source=Source.BACKLOG,
        title=title,
        description=description,
        priority=Priority.parse(priority),
        assignee=None if agent is None else agent_name(settings, agent),
        skills=tuple(one.strip().lower() for one in skill or []),
        services=tuple(one.strip().lower() for one in service or []),
        after=tuple(task_number(one) for one in after or []),
        acceptance=tuple(accept or []),
        sync=sync,
    )

    async def work(board: Board) -> Task:
        return await board.tasks.add(new)

    task = on_board(settings, work, create=True)
    _tell(task, f"Task #{task.id} is in the backlog: {task.title}", json)


@app.command("depend")
def depend_command(
    task: TaskArgument,
    on: Annotated[str, typer.Option("--on", metavar="ID", help="The task to complete first.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Make a task wait until another one is completed."""
    from neveridle.cli.project import load, on_board, task_number

    number, other = task_number(task), task_number(on)

    async def work(board: Board) -> Task:
        await board.tasks.depend(number, other)
        return await board.tasks.get(number)

    found = on_board(load(config), work, create=False)
    _tell(found, f"Task #{number} waits for #{other}.", json)


@app.command("cancel")
def cancel_command(
    task: TaskArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why, for those who look later.")] = "",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Take a task off the table; an agent at work on it is stopped."""
    from neveridle.cli.project import load, on_board, task_number

    number = task_number(task)

    async def work(board: Board) -> Task:
        return await board.tasks.cancel(number, reason=reason)

    found = on_board(load(config), work, create=False)
    _tell(found, f"Task #{number} is cancelled.", json)


@app.command("retry")
def retry_command(
    task: TaskArgument, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """Let a blocked, waiting, failed or cancelled task be tried again."""
    from neveridle.cli.project import load, on_board, task_number

    number = task_number(task)

    async def work(board: Board) -> Task:
        return await board.tasks.retry(number)

    found = on_board(load(config), work, create=False)
    _tell(found, f"Task #{number} is {found.state} again.", json)


app.command("ready")(ready_command)
app.command("blocked")(blocked_command)
app.command("tree")(tree_command)
app.command("release")(release_command)
app.command("link")(link_command)
app.command("unlink")(unlink_command)
app.command("import")(import_command)
app.command("export")(export_command)


def _tell(task: Task, sentence: str, json: bool) -> None:
    from neveridle.cli.screen import print_json, say

    if json:
        print_json(task.as_dict())
    else:
        say(sentence, lines=False)
