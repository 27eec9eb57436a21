"""What surrounds a team in a play: its clock, its services, what goes wrong, what people do."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from neveridle.board import Board
from neveridle.board.simulation import BoardTime, simulated_loop
from neveridle.errors import RecordingInvalid
from neveridle.evals.faults.diary import FILE, Diary
from neveridle.evals.faults.planned import Plan
from neveridle.evals.recorded_task import RecordedTask
from neveridle.evals.stage import known_before
from neveridle.graph.around import Around
from neveridle.graph.state import TickState
from neveridle.graph.team import Team

if TYPE_CHECKING:
    import httpx

    from neveridle.evals.faults.director import Director
    from neveridle.evals.faults.standins import LinearState
    from neveridle.settings import Settings

KILLED = ".neveridle-killed"
"""A file in the stage that says: a fault of the plan kills this process now."""
THINKING = (0.5, 5.0)
"""Simulated seconds that a call of a model takes whose time was not recorded."""
PAUSE = 1.0
"""Seconds that pass until a killed process is started again."""
STOOD_IN: tuple[str, ...] = ("linear",)
"""Services that there are stand-ins for."""


class World:
    """What surrounds a team in a play.

    Args:
        task: the recorded task.
        folder: where it is played.
        seed: what chance is seeded with.

    Attributes:
        time: moves the board's time, where time is simulated; None: the board's own counts.
        services: the stand-ins for services, by name.
        diary: what has happened so far, also in processes that were killed.
    """

    def __init__(self, task: RecordedTask, folder: Path, *, seed: int = 0) -> None:
        self.task = task
        self.folder = folder
        self.seed = seed
        self.time: BoardTime | None = None
        self.services: dict[str, LinearState] = {}
        self.diary = Diary.open(folder / FILE, seed)
        self.plan = Plan.of(task)
        self.team: Team | None = None
        self._director: Director | None = None
        self._real = 0.0
        self._ready = known_before(folder) is not None
        self._chance = random.Random(seed)

    @property
    def happened(self) -> list[str]:
        """Which faults of the plan happened, in order, with the seconds since the start."""
        return self.diary.happened

    @property
    def missed(self) -> list[str]:
        """Which faults of the plan should have happened, and did not."""
        return self.plan.missed(self.diary, simulated=self.time is not None)

    async def think(self, seconds: float) -> None:
        """Take the time that a call of a model took; an authored one takes what chance says."""
        await asyncio.sleep(seconds or self._chance.uniform(*THINKING))

    def settled(self, settings: Settings) -> Settings:
        """The settings with which the team is opened."""
        if not self.task.start.http:
            return settings
        services = settings.services.model_copy(update={"replay": "http.jsonl"})
        return settings.model_copy(update={"services": services})

    def surround(self, team: Team) -> None:
        """Put a team that is not open yet into this world.

        Raises:
            RecordingInvalid: nothing can stand in for a service of the plan, or its file is wrong.
        """
        self.team = team
        for name, file in self.task.start.services.items():
            self._stand_in(name, self.task.folder / file, team.settings)
        ordinary = team.given_transport
        faults = self.plan.service_faults(self)

        def transport(service: str) -> httpx.AsyncBaseTransport | None:
            from neveridle.evals.faults.service_faults import FaultyTransport
            from neveridle.tools.standin.transport import StandinTransport

            state = self.services.get(service)
            if state is not None:
                return FaultyTransport(StandinTransport(state.standin), service, faults)
            inner = None if ordinary is None else ordinary(service)
            return FaultyTransport(inner, service, faults)

        team.given_transport = transport
        passing = self._passing if self.plan.nodes else None
        team.around = Around(
            models=self.plan.model_seam(self), passing=passing, due=self._due
        )  # fmt: skip

    def _stand_in(self, name: str, file: Path, settings: Settings) -> None:
        from neveridle.evals.faults.standins import TOKEN, LinearState

        table = getattr(settings.services, name, None)
        if name not in STOOD_IN or table is None:
            msg = f"{self.task.folder}: nothing can stand in for the service '{name}'."
            remedy = f"There are stand-ins for {', '.join(STOOD_IN)}; the team's settings need a "
            raise RecordingInvalid(msg, remedy=remedy + f"table [services.{name}].")
        os.environ[table.token_env] = TOKEN
        kept = self.folder / f".neveridle-{name}.json"
        self.services[name] = LinearState(file, kept, self.now)

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
        """While the team runs: things go wrong, and people do what they do.

        Raises:
            NeveridleError: something that was planned could not be done.
        """
        from neveridle.evals.faults.director import Director

        self._ready = True
        now = await team.board.clock.now()
        if self.time is None and not self.diary.began:
            self.diary.began = now
        self._real = time.monotonic() - (now - self.began - self.diary.shifted)
        director = self._director = Director(
            team, self.plan.planned(self, team), self.diary,
            elapsed=self.elapsed, began=self.began,
            newest=None if self.time is None else self.time.newest,
        )  # fmt: skip
        await director.begin()
        work = asyncio.create_task(director.run(), name="neveridle-director")
        try:
            yield
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
            self._director = None
            self.diary.save()

    async def again(self, reason: str) -> bool:
        """Whether a run that ended so is to be started again, once something has changed.

        A team whose agents all stopped is started anew by whoever supervises it; one that is
        paused ends its run ``until="idle"``, though somebody is going to resume it.
        """
        due = await self._due()
        if reason not in ("stopped", "paused") or due is None or self.team is None:
            return False
        await self.team.board.clock.sleep(max(due - await self.team.board.clock.now(), 0) + 1)
        return True

    @property
    def began(self) -> float:
        """The board's time at the start, in seconds since 1970."""
        return self.diary.began or self.task.run.begins.timestamp()

    def now(self) -> float:
        """The board's time, in seconds since 1970."""
        return time.time() if self.time is None else self.time.now

    def elapsed(self) -> float:
        """Seconds since the start; what the board's clock was set does not count."""
        if self.time is not None:
            return self.time.now - self.began - self.diary.shifted
        return time.monotonic() - self._real if self._real else 0.0

    def armed(self) -> bool:
        """Whether another process could go on where this one is killed."""
        return self._ready

    def kill(self, said: str) -> NoReturn:
        """Kill this process, with signal 9; another one goes on."""
        self.diary.note(said, now=self.elapsed())
        self.diary.save()
        for state in self.services.values():
            state.save()
        (self.folder / KILLED).write_text(said, encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
        raise SystemExit(said)  # no signal 9 on this system

    def title(self, key: str) -> str:
        """The title of a task that is worked on here; empty: it is not."""
        jobs = [] if self.team is None else self.team.desk.jobs
        return next((one.task.title for one in jobs if one.task.key == key), "")

    async def left(self, team: Team) -> float:
        """Seconds by the board's clock for which the team is still to run."""
        if self.time is None:
            return self.task.run.timeout
        passed = await team.board.clock.now() - self.task.run.begins.timestamp()
        return max(self.task.run.timeout - passed, 0.0)

    def states(self) -> dict[str, Any]:
        """By name, what each stand-in for a service holds."""
        return {name: one.state() for name, one in self.services.items()}

    async def _due(self) -> float | None:
        return None if self._director is None else await self._director.due()

    async def _passing(self, when: str, node: str, state: TickState) -> None:
        self.plan.killing(self, when, node, state)
