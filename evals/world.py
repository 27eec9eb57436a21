"""What surrounds a team in a play: its clock, its services, what goes wrong, what people do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neveridle.board import Board
from neveridle.board.simulation import BoardTime, simulated_loop
from neveridle.evals.recorded_task import RecordedTask
from neveridle.graph.team import Team

if TYPE_CHECKING:
    from neveridle.settings import Settings

KILLED = ".neveridle-killed"
"""A file in the stage that says: a fault of the plan kills this process now."""
THINKING = (0.5, 5.0)
"""Simulated seconds that a call of a model takes whose time was not recorded."""
PAUSE = 1.0
"""Seconds that pass until a killed process is started again."""


class World:
    """What surrounds a team in a play.

    Args:
        task: the recorded task.
        folder: where it is played.
        seed: what chance is seeded with.

    Attributes:
        time: moves the board's time, where time is simulated; None: the board's own counts.
        happened: which faults of the plan happened, in order.
    """

    def __init__(self, task: RecordedTask, folder: Path, *, seed: int = 0) -> None:
        self.task = task
        self.folder = folder
        self.seed = seed
        self.time: BoardTime | None = None
        self.happened: list[str] = []
        self._chance = random.Random(seed)

    async def think(self, seconds: float) -> None:
        """Take the time that a call of a model took; an authored one takes what chance says."""
        await asyncio.sleep(seconds or self._chance.uniform(*THINKING))

    def settled(self, settings: Settings) -> Settings:
        """The settings with which the team is opened."""
        return settings

    @asynccontextmanager
    async def around(self, settings: Settings) -> AsyncGenerator[None]:
        """While the team is open; the board's time is simulated where the loop's is."""
        loop = simulated_loop()
        if loop is None:
            yield
            return
        async with Board(settings.board_url) as board:
            now, scripted = await board.database.hot.clock()
            at = now + PAUSE if scripted else self.task.run.begins.timestamp()
            await board.clock.script(at)
        self.time = BoardTime(settings.home / "board.db", at, loop)
        try:
            yield
        finally:
            self.time.close()

    @asynccontextmanager
    async def acting(self, team: Team) -> AsyncGenerator[None]:
        """While the team runs: things go wrong, and people do what they do."""
        yield

    async def left(self, team: Team) -> float:
        """Seconds by the board's clock for which the team is still to run."""
        if self.time is None:
            return self.task.run.timeout
        passed = await team.board.clock.now() - self.task.run.begins.timestamp()
        return max(self.task.run.timeout - passed, 0.0)

    def states(self) -> dict[str, Any]:
        """By name, what each stand-in for a service holds."""
        return {}
