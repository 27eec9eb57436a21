"""``neveridle recover``: a person says that whoever is silent is not coming back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board


def recover_command(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Take over what silent agents hold, at once; ends what was taken for an outage.

    Only what no heartbeat has renewed for a whole lease is taken over.
    """
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import print_json, say

    settings = load(config)
    leases = settings.leases

    async def work(board: Board) -> tuple[bool, list[tuple[int, int]]]:
        outage = (await board.status())["outage"] is not None
        returned = await board.recover(
            expirations=settings.limits.attempts * 3,
            lease=leases.lease,
            outage_hold=leases.outage_hold,
        )
        return outage, returned

    outage, returned = on_board(settings, work, create=False)
    if json:
        tasks = [{"task": task, "fence": fence} for task, fence in returned]
        print_json({"outage": outage, "returned": tasks})
        return
    if outage:
        say("The outage is over.")
    for task, fence in returned:
        say(f"Task {task} (attempt {fence}) is back on the board.")
    if not outage and not returned:
        say("Nothing to recover: no lease is over.")
