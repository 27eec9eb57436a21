"""``neveridle pause``, ``resume`` and ``drain``: who takes tasks, in whatever process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board

AgentsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[AGENT]...", help="Of whom it is said. Default: of everybody."),
]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; `neveridle status` shows it.")
]


def pause_command(
    agents: AgentsArgument = None,
    reason: ReasonOption = "",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Let agents take no more tasks until they are resumed.

    What is at work is finished. A pause stays over restarts, and holds for every process
    that works on the board.
    """
    _say("paused", agents or [], reason, config, json=json)


def resume_command(
    agents: AgentsArgument = None, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """Let agents take tasks again: lifts a pause, and a drain that has not ended yet."""
    from neveridle.board.control import EVERYBODY
    from neveridle.cli.project import load, on_board, roster_of
    from neveridle.cli.screen import print_json, say

    settings = load(config)
    roster = roster_of(settings)
    names = list(dict.fromkeys(roster.get(name).name for name in agents or []))

    async def work(board: Board) -> list[str]:
        by = whoever_asks()
        if names:
            return await board.controls.resume(names, among=roster.names, by=by)
        said = await board.controls.all()
        await board.controls.clear(EVERYBODY, by=by)
        return [one for one in roster.names if any(c.holds_for(one) for c in said)]

    resumed = on_board(settings, work, create=True)
    off = [name for name in resumed if roster.get(name).paused]
    if json:
        print_json({"resumed": resumed, "paused_by_settings": off})
        return
    if not resumed:
        of = ", ".join(names) or "nobody"
        say(f"{of}: there was nothing to resume." if names else "Nobody was paused or draining.")
        return
    say(f"Resumed: {', '.join(resumed)}.")
    for name in off:
        say(f"{name} stays paused by neveridle.toml: paused = true in [agents.{name}].")


def drain_command(
    agents: AgentsArgument = None,
    reason: ReasonOption = "",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Let what is at work end, and then the processes: as SIGTERM does, for all of them.

    It is said to those who run now: a later `neveridle run` takes tasks again. Where only
    some agents are named, these end, and their process goes on for the others.
    """
    _say("draining", agents or [], reason, config, json=json)


def _say(mode: str, agents: list[str], reason: str, config: Path | None, *, json: bool) -> None:
    from neveridle.board.control import EVERYBODY
    from neveridle.cli.project import load, on_board, roster_of
    from neveridle.cli.screen import print_json, say
    from neveridle.cli.status import status_of

    settings = load(config)
    roster = roster_of(settings)
    names = list(dict.fromkeys(roster.get(name).name for name in agents))

    async def work(board: Board) -> dict[str, Any]:
        for name in names or [EVERYBODY]:
            await board.controls.set(name, mode, reason=" ".join(reason.split()), by=whoever_asks())
        return await board.status()

    found = status_of(on_board(settings, work, create=True), lease=settings.leases.lease)
    said = names or roster.names
    ours = [one for one in found["agents"] if one["name"] in said]
    running = [one["name"] for one in ours if one["alive"]]
    at_work = {one["name"]: one["task"] for one in ours if one["alive"] and one["task"] is not None}
    if json:
        print_json({"mode": mode, "agents": said, "everybody": not names, "reason": reason,
                    "running": running, "at_work": at_work})  # fmt: skip
        return
    if mode == "paused":
        say(f"Paused: {', '.join(said)}. `neveridle resume` lifts that.")
    elif running:
        say(f"Draining: {', '.join(running)}.")
    else:
        say("None of them runs just now, so there is nothing to drain.")
    for name, task in at_work.items():
        say(f"{name} finishes #{task} first.")


def whoever_asks() -> str:
    """Who is at this terminal, as the operating system knows them; empty: it does not."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user without a name, as in some containers
        return ""
