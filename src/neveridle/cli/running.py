"""One run of a team from the command line, from opening it to its report."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

from neveridle.board import Board
from neveridle.cli.follower import Follower
from neveridle.cli.interrupt import Interruption
from neveridle.cli.live import Progress
from neveridle.cli.observing import Observing
from neveridle.cli.screen import say
from neveridle.errors import NeveridleError
from neveridle.graph.report import RunReport
from neveridle.graph.team import Team
from neveridle.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a team is run; see ``Team.run``.

    Attributes:
        grace: seconds to finish what is at work, after SIGTERM.
        processes: how many processes share the agents.
    """

    agents: list[str]
    until: str
    ticks: int | None
    timeout: float | None
    grace: float
    processes: int = 1


class _Run:
    """The run, and what is known of it when it is interrupted."""

    def __init__(self, settings: Settings, how: How, *, json: bool) -> None:
        self.team = Team(settings)
        self.follower: Follower | None = None
        self._how = how
        self._json = json

    async def whole(self) -> RunReport:
        how = self._how
        async with self.team as team:
            for notice in team.notices:
                say(f"note: {notice}", err=self._json, lines=False)
            self.follower = Follower(team.board, lambda: team.keeper.runs)
            progress = Progress(
                self.follower, how.agents, quiet=self._json, waits=lambda: team.waits_until
            )
            async with progress.shown():
                return await team.run(
                    until=how.until, ticks=how.ticks, timeout=how.timeout, agents=how.agents
                )

    def so_far(self) -> RunReport:
        """What came of it, as far as the log says."""
        report = RunReport() if self.follower is None else self.follower.report
        report.reason = "interrupted"
        report.notices, report.problems = self.team.notices, self.team.problems
        return report

    def rescue(self) -> None:
        """Return to the board what this process holds, whatever the team is busy with."""
        give_back(self.team)


def give_back(team: Team) -> None:
    """Return to the board what this process holds; called from another thread.

    It has a board of its own: the fence keeps what the team may still write from doing harm.
    """
    keeper = getattr(team, "keeper", None)
    if keeper is None or not keeper.runs:
        return

    async def whole() -> None:
        async with Board(team.settings.board_url, create=False) as board:
            await board.attempts.release_runs(keeper.runs)
            await board.runs.end(keeper.runs)

    try:
        asyncio.run(whole())
    except NeveridleError as error:
        sys.stderr.write(f"error[{error.code}]: {error}\n")


def conduct(settings: Settings, how: How, *, json: bool) -> tuple[RunReport, int]:
    """Run a team; what came of it, and the exit code: not 0 where a signal ended it.

    After a signal nothing but printing is left to do, and ``leave`` should follow.

    Raises:
        OperatorError: something must be configured or repaired first.
    """
    one = _Run(settings, how, json=json)
    with (
        Observing(settings) as observing,
        Interruption(one.rescue, drain=one.team.drain, grace=how.grace) as interruption,
    ):
        report = interruption.run(one.whole())
        observing.close(hurried=report is None)
        return report or one.so_far(), interruption.exit_code
