"""``neveridle handoff``: what agents gave to each other, and giving by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.lazy import ListingGroup
from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board, Handoff

app = typer.Typer(cls=ListingGroup, add_completion=False)

PERSON = "human"
"""Who hands over from the command line."""


@app.callback()
def handoff() -> None:
    """Look at handoffs, or hand a task over yourself; alone it lists them."""


@app.command("list")
def list_command(
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 200,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List the newest handoffs, oldest of them first."""
    import dataclasses

    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import console, print_json, say, table

    async def work(board: Board) -> list[Handoff]:
        return await board.handoffs.latest(limit=limit)

    found = on_board(load(config), work, create=False)
    if json:
        print_json([dataclasses.asdict(one) for one in found])
        return
    if not found:
        say("There are no handoffs yet.")
        return
    rows = [
        (
            one.id,
            one.ticket or f"#{one.task_id}",
            f"{one.sender} to {one.receiver}",
            "yes" if one.verified else "no",
            one.document.action,
        )
        for one in found
    ]
    console().print(table("id", "task", "who", "verified", "action", rows=rows))


@app.command("show")
def show_command(
    handoff: Annotated[str, typer.Argument(metavar="ID", help="The handoff's number.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show one handoff."""
    import dataclasses

    from neveridle.cli.project import load, number_of, on_board
    from neveridle.cli.screen import print_json
    from neveridle.cli.tasks_show import print_handoff

    number = number_of(handoff, "handoff", "`neveridle handoff list` lists them.")

    async def work(board: Board) -> Handoff:
        return await board.handoffs.get(number)

    found = on_board(load(config), work, create=False)
    if json:
        print_json(dataclasses.asdict(found))
    else:
        print_handoff(found)


@app.command("give")
def give_command(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The number of the task.")],
    to: Annotated[str, typer.Option("--to", metavar="AGENT", help="Who goes on.")],
    summary: Annotated[str, typer.Option("--summary", help="What was done so far.")],
    action: Annotated[str, typer.Option("--action", help="What to do next, in a sentence.")],
    decision: Annotated[
        list[str] | None,
        typer.Option("--decision", help="What was decided, to be kept; can be repeated."),
    ] = None,
    question: Annotated[
        list[str] | None,
        typer.Option("--question", help="What is to be found out; can be repeated."),
    ] = None,
    criterion: Annotated[
        list[str] | None,
        typer.Option("--criterion", help="How to know that it is done; can be repeated."),
    ] = None,
    blocker: Annotated[
        list[str] | None,
        typer.Option("--blocker", help="What may stand in the way; can be repeated."),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="PATH", help="A file that was changed; can be repeated."),
    ] = None,
    artifact: Annotated[
        list[str] | None,
        typer.Option(
            "--artifact",
            metavar="NAME=VALUE",
            help="A link or a result, such as pr_url=https://…; can be repeated.",
        ),
    ] = None,
    branch: Annotated[
        str, typer.Option("--branch", help="Where the work lies; the receiver starts from it.")
    ] = "",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Hand a task that nobody works on over to an agent."""
    import dataclasses

    from neveridle.board import HandoffDocument
    from neveridle.cli.project import load, on_board, roster_of, task_number
    from neveridle.cli.screen import print_json, say
    from neveridle.cli.words import pairs

    settings = load(config)
    number, agent = task_number(task), roster_of(settings).get(to)
    receiver = agent.name
    document = HandoffDocument(
        summary=summary,
        action=action,
        files_changed=tuple(file or []),
        artifacts=dict(pairs(artifact, "--artifact")),
        branch=branch,
        decisions=tuple(decision or []),
        open_questions=tuple(question or []),
        acceptance_criteria=tuple(criterion or []),
        blockers=tuple(blocker or []),
    )

    async def work(board: Board) -> Handoff:
        return await board.handoffs.give_by_hand(
            number, sender=PERSON, to=receiver, document=document
        )

    found = on_board(settings, work, create=False)
    if agent.paused:
        say(f"{receiver} is paused: the task waits until it is not, or is passed on.", err=True)
    if json:
        print_json(dataclasses.asdict(found))
        return
    say(f"Handoff {found.id}: task #{number} goes on as #{found.dispatch_id}, by {receiver}.")
