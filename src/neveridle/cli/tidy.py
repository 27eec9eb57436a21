"""``neveridle tidy``: remove what is over and old, as a running team does by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.settings import Settings


KINDS = {
    "tasks": "tasks",
    "events": "events",
    "messages": "messages",
    "runs": "runs of agents",
    "inbox": "closed items of the inbox",
    "outages": "outages",
    "sync_points": "sync points",
    "effects": "effects of no task",
    "checkpoints": "conversations and clones",
    "branches": "branches of tasks that were given up",
}
"""What there is on the board and in the home, in words."""


def tidy_command(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be removed.")
    ] = False,
    vacuum: Annotated[
        bool,
        typer.Option("--vacuum", help="Then give the board's free space back to the disk."),
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Remove what is over and older than is to be kept; a running team does so hourly.

    It can be done while a team runs, and be interrupted.
    """
    import asyncio

    from neveridle.cli.failure import Misuse
    from neveridle.cli.project import load
    from neveridle.cli.screen import print_json, say

    if dry_run and vacuum:
        msg = "--dry-run and --vacuum exclude each other."
        raise Misuse(
            msg, remedy="`neveridle doctor` shows how much space is free inside the board."
        )
    settings = load(config)
    found = asyncio.run(_tidy(settings, dry_run=dry_run, vacuum=vacuum))
    if json:
        print_json(found)
        return
    from neveridle.cli.screen import console, table

    rows = [(KINDS[kind], f"{count:,}") for kind, count in found["removed"].items() if count]
    if rows:
        verb = "would go" if dry_run else "went"
        console().print(table("old and over", verb, rows=rows))
    else:
        say("Nothing is old enough to go.")
    if vacuum:
        say(f"The vacuum gave {max(0, found['bytes']):,} bytes back.")


async def _tidy(settings: Settings, *, dry_run: bool, vacuum: bool) -> dict[str, Any]:
    import os

    from neveridle.agents.checkpoints import Checkpoints
    from neveridle.board import Board
    from neveridle.board.upkeep import upkeep_for
    from neveridle.graph.janitor import Janitor
    from neveridle.graph.tidying import Tidying
    from neveridle.tools.workspace import Workspaces

    async with Board(settings.board_url, create=False) as board:
        workspaces = Workspaces(settings.repository, settings.home, branch=settings.team.branch)
        await workspaces.open()
        checkpoints = Checkpoints(settings.home / "checkpoints.db", settings.board_url)
        janitor = Janitor(
            board, workspaces, checkpoints,
            prefix=settings.delivery.branch_prefix, merges=settings.delivery.mode == "merge",
        )  # fmt: skip
        tidying = Tidying(board, janitor, settings.retention, holder=f"tidy-{os.getpid()}")
        try:
            removed = await (tidying.count() if dry_run else tidying.tidy())
        finally:
            await checkpoints.close()
        given = await upkeep_for(settings.board_url).vacuum() if vacuum else 0
    return {"dry_run": dry_run, "removed": removed, "bytes": given}
