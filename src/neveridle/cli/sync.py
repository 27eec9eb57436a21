"""``neveridle sync``: the sync points, where agents who work in parallel meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.lazy import ListingGroup
from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board, CheckedIn, SyncPoint

app = typer.Typer(cls=ListingGroup, add_completion=False)

PointArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The sync point's name, or its number.")
]


@app.callback()
def sync() -> None:
    """Let agents who work in parallel meet before the next phase; alone it lists the points."""


@app.command("list")
def list_command(
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            help="Only in this state (open, released, failed, cancelled); can be repeated.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 200,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List the newest sync points, oldest of them first."""
    from neveridle.board import PointState
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import console, print_json, say
    from neveridle.cli.sync_show import points_table
    from neveridle.cli.words import chosen

    states = chosen(PointState, state, "state")

    async def work(board: Board) -> list[SyncPoint]:
        return await board.sync_points.find(states=states, limit=limit)

    found = on_board(load(config), work, create=False)
    if json:
        print_json([point.as_dict() for point in found])
    elif found:
        console().print(points_table(found))
    else:
        say("There are no such sync points.")


@app.command("show")
def show_command(
    point: PointArgument, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """Show one sync point: who is ready, who is not and why, and what comes next."""
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import print_json
    from neveridle.cli.sync_show import point_key, print_point

    async def work(board: Board) -> SyncPoint:
        return await board.sync_points.get(point_key(point))

    found = on_board(load(config), work, create=False)
    if json:
        print_json(found.as_dict())
    else:
        print_point(found)


@app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="How it is called.")],
    lead: Annotated[str, typer.Option("--lead", metavar="AGENT", help="Who gets the next phase.")],
    following: Annotated[
        str, typer.Option("--next", metavar="TITLE", help="What the lead does then, in a line.")
    ],
    participant: Annotated[
        list[str] | None,
        typer.Option(
            "--participant", metavar="AGENT", help="Who has to check in; can be repeated."
        ),
    ] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(
            "--part",
            metavar="AGENT=TITLE",
            help="A participant with a task to do, whose completion is the check-in; can be "
            "repeated.",
        ),
    ] = None,
    description: Annotated[
        str, typer.Option("--description", "-d", help="What is expected of the participants.")
    ] = "",
    next_description: Annotated[
        str, typer.Option("--next-description", help="What the lead does then, at length.")
    ] = "",
    priority: Annotated[
        str,
        typer.Option("--priority", "-p", help="Of the next phase: low, normal, high or urgent."),
    ] = "high",
    ticket: Annotated[str, typer.Option("--ticket", help="The ticket it all belongs to.")] = "",
    skill: Annotated[
        list[str] | None,
        typer.Option("--skill", help="A skill the next phase needs; can be repeated."),
    ] = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            "--accept",
            metavar="COMMAND",
            help="A command that must succeed in the next phase; can be repeated.",
        ),
    ] = None,
    within: Annotated[
        str, typer.Option("--within", help="The deadline from now, such as 90m, 8h or 2d.")
    ] = "1d",
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="The deadline, such as 2026-03-01T18:00."),
    ] = None,
    on_deadline: Annotated[
        str,
        typer.Option(
            "--on-deadline",
            help="What happens then, if somebody is missing: fail (a person decides), go-on "
            "(without them) or substitute.",
        ),
    ] = "fail",
    substitute: Annotated[
        list[str] | None,
        typer.Option(
            "--substitute",
            metavar="AGENT=OTHER",
            help="Who takes whose place, with substitute; can be repeated.",
        ),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Put a sync point on the board, with the tasks of its parallel phase."""
    from neveridle.board import NewTask, NextPhase, Policy, Priority, Source
    from neveridle.cli.project import load, on_board, roster_of
    from neveridle.cli.screen import print_json, say
    from neveridle.cli.sync_show import seconds_of, time_of
    from neveridle.cli.words import one_of, pairs
    from neveridle.errors import NotFound

    settings = load(config)
    roster = roster_of(settings)
    leader = roster.get(lead)
    skills = tuple(one.strip().lower() for one in skill or [])
    lacking = [one for one in skills if one not in leader.skills]
    if lacking:
        msg = f"{leader.name} has not the skill {', '.join(lacking)} that the next phase needs."
        raise NotFound(msg, remedy="Choose a lead who has, or leave --skill out.")
    parts = [(roster.get(agent).name, title) for agent, title in pairs(part, "--part")]
    stand_ins = {
        roster.get(agent).name: roster.get(other).name
        for agent, other in pairs(substitute, "--substitute")
    }
    phase = NextPhase(
        title=following,
        description=next_description,
        priority=Priority.parse(priority),
        ticket=ticket,
        skills=skills,
        acceptance=tuple(accept or []),
    )
    policy = one_of(Policy, on_deadline, "policy")
    period = seconds_of(within)
    deadline = None if until is None else time_of(until)
    names = [roster.get(agent).name for agent in participant or []]
    tasks = [
        NewTask(source=Source.BACKLOG, title=title, ticket=ticket, assignee=agent)
        for agent, title in parts
    ]

    async def work(board: Board) -> SyncPoint:
        return await board.sync_points.create(
            name, participants=[*names, *(agent for agent, _ in parts)], lead=leader.name,
            next_phase=phase, description=description, within=period, until=deadline,
            policy=policy, substitutes=stand_ins, tasks=tasks,
        )  # fmt: skip

    found = on_board(settings, work, create=True)
    if json:
        print_json(found.as_dict())
        return
    awaited = ", ".join(place.participant for place in found.places)
    say(f"Sync point {found.id} '{found.name}' waits for {awaited}.", lines=False)


@app.command("check-in")
def check_in_command(
    point: PointArgument,
    agent: Annotated[str, typer.Argument(help="Who is ready, or blocked.")],
    blocked: Annotated[
        str | None,
        typer.Option("--blocked", metavar="REASON", help="Not ready: what stands in the way."),
    ] = None,
    place: Annotated[
        str | None,
        typer.Option("--for", metavar="AGENT", help="For whom AGENT stands in."),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Say that an agent is ready, or blocked; the last who is ready releases the point."""
    from neveridle.board import Standing
    from neveridle.cli.project import agent_name, load, on_board
    from neveridle.cli.screen import print_json, say
    from neveridle.cli.sync_show import point_key

    settings = load(config)
    name = agent_name(settings, agent)
    status = Standing.READY if blocked is None else Standing.BLOCKED

    async def work(board: Board) -> CheckedIn:
        return await board.sync_points.check_in(
            point_key(point), name, status, reason=blocked or "", place=place
        )

    answer = on_board(settings, work, create=False)
    if json:
        print_json(
            {
                "changed": answer.changed,
                "released": answer.released,
                "answer": answer.answer,
                "point": answer.point.as_dict(),
            }
        )
    else:
        say(answer.answer, lines=False)


@app.command("cancel")
def cancel_command(
    point: PointArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why, for those who look later.")] = "",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Give a sync point up; its participants' tasks stay as they are."""
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import print_json, say
    from neveridle.cli.sync_show import point_key

    async def work(board: Board) -> SyncPoint:
        return await board.sync_points.cancel(point_key(point), reason=reason)

    found = on_board(load(config), work, create=False)
    if json:
        print_json(found.as_dict())
    else:
        say(f"Sync point '{found.name}' is cancelled.", lines=False)
