"""One run of a fleet from the command line, from opening the board to its report."""

from __future__ import annotations

import asyncio
from typing import Any

from neveridle.board import Board
from neveridle.board.control import PAUSED
from neveridle.cli.fleet.gathered import as_dict
from neveridle.cli.fleet.restarts import FOR_PEOPLE
from neveridle.cli.fleet.supervisor import Said, Supervisor
from neveridle.cli.follower import Follower
from neveridle.cli.live import Progress
from neveridle.cli.running import How
from neveridle.cli.screen import say
from neveridle.errors import NeveridleError, OperatorError
from neveridle.graph.report import RunReport
from neveridle.graph.runner import count_calls
from neveridle.settings import Settings


def as_it_was(said: dict[str, str]) -> NeveridleError:
    """The error that a process could not begin for, made again from what it told of it."""
    kinds = NeveridleError.__subclasses__()
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind.code == said["code"]:
            return kind(said["message"], remedy=said["remedy"])
    return OperatorError(said["message"], remedy=said["remedy"])


def conduct_fleet(
    settings: Settings, how: How, *, json: bool
) -> tuple[RunReport, dict[str, Any], int]:
    """Run a team in several processes; what came of it, the same as JSON, and the exit code.

    Raises:
        NeveridleError: the board cannot be used, or a process said why it could not begin.
    """
    return asyncio.run(_whole(settings, how, json=json))


async def _whole(
    settings: Settings, how: How, *, json: bool
) -> tuple[RunReport, dict[str, Any], int]:
    async with Board(settings.board_url) as board:
        began, newest = await board.clock.now(), await board.events.newest()

        def tell(said: Said) -> None:
            say(said.text, err=json or said.problem, lines=False)

        await board.controls.settle()
        fleet = Supervisor(settings, how, board=board, tell=tell, began=began)
        report, runs = fleet.gathered.report, fleet.gathered.runs
        progress = Progress(Follower(board, lambda: runs), how.agents, quiet=json)
        async with progress.shown():
            code = await fleet.run()
        if report.reason == "idle" and await _all_paused(board, how.agents):
            report.reason = "paused"
        report.seconds = await board.clock.now() - began
        await count_calls(board, report, runs, newest)
        if fleet.gathered.error is not None and code in FOR_PEOPLE:
            raise as_it_was(fleet.gathered.error)
        return report, as_dict(report, fleet.places), code


async def _all_paused(board: Board, agents: list[str]) -> bool:
    said = [one for one in await board.controls.all() if one.mode == PAUSED]
    return all(any(one.holds_for(name) for one in said) for name in agents)
