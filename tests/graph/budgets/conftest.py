"""A model whose calls cost what a test says, and what the board holds of it afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest
from sqlalchemy import select

from neveridle.board import Board, TaskState
from neveridle.board.schema import budgets, reservations

SENT, ANSWERED = 1500, 100
"""What the provider counts for each call; less than the worst case of the shortest one."""
OUTPUT = 200
"""What an answer may have."""


class Paid:
    """A project at a model that is paid for.

    Attributes:
        project, api: see the fixtures of these names.
    """

    def __init__(self, project: Any, api: Any) -> None:
        self.project = project
        self.api = api
        api.use(project)
        project.use("budgets", output_tokens=OUTPUT)
        self.counts(SENT, ANSWERED)

    def counts(self, sent: int, answered: int, cached: int = 0) -> None:
        """Let the provider count so many tokens for each call."""
        self.api.usage = {
            "prompt_tokens": sent, "completion_tokens": answered,
            "total_tokens": sent + answered, "prompt_tokens_details": {"cached_tokens": cached},
        }  # fmt: skip

    def runs_away(self, *titles: str) -> None:
        """Let the model call a tool for ever; nothing but a budget ends it."""
        self.project.use("limits", stuck_repeats=0, stuck_rounds=0)
        for title in titles:
            self.api.says(title, self.api.tool("run", command="true"))

    def works(self, *titles: str) -> None:
        """Let the model write a file, and say that it is done."""
        for title in titles:
            name = f"{title.replace(' ', '-')}.txt"
            self.api.says(
                title, self.api.tool("write_file", path=name, content="x\n"), self.api.outcome()
            )

    def caps(self, **scopes: dict[str, float]) -> None:
        """Set budgets."""
        self.project.use("budgets", **scopes)

    @staticmethod
    async def rows(board: Board) -> dict[tuple[str, str], dict[str, Any]]:
        """All windows of all scopes."""
        found = await board.database.read(
            lambda c: [dict(row) for row in c.execute(select(budgets)).mappings()]
        )
        return {
            (row["scope"], row["window"]): row
            for row in found
            if not row["scope"].startswith("overrun:")
        }

    @staticmethod
    async def held(board: Board) -> tuple[int, int, int]:
        """Reservations that are left, and what windows still hold: all 0 once all has ended."""
        left = await board.database.read(lambda c: len(c.execute(select(reservations)).all()))
        rows = (await Paid.rows(board)).values()
        return left, sum(r["held_tokens"] for r in rows), sum(r["held_nanos"] for r in rows)


@pytest.fixture(params=["sqlite", "postgres"])
def paid(request: pytest.FixtureRequest, project: Any, api: Any) -> Generator[Paid]:
    """The project at a paid model, on each database."""
    if request.param == "postgres":
        fresh: Callable[[], Any] = request.getfixturevalue("postgres_boards")
        with fresh() as url:
            project.use("team", board=url)
            yield Paid(project, api)
    else:
        yield Paid(project, api)


@pytest.fixture
def paid_here(project: Any, api: Any) -> Paid:
    """The same on SQLite alone, where the board does not matter."""
    return Paid(project, api)


class Run:
    """A team that runs beside the test."""

    def __init__(self, team: Any) -> None:
        self._team = team
        self._task = asyncio.create_task(team.run(until="forever"))

    async def rests(self, condition: Callable[[], bool] = lambda: True) -> None:
        """Wait until all rest, and time alone, or nobody, makes something runnable."""
        team = self._team
        async with asyncio.timeout(120):  # what never comes true fails the test that waits
            while True:
                self.check()
                resting = set(team.usher.resting) | set(team.stopped)
                if resting >= set(team.roster.names) and condition():
                    return
                await asyncio.sleep(0.01)

    async def waits(self) -> float:
        """Wait until all rest for a moment; that moment."""
        await self.rests(lambda: self._team.waits_until is not None)
        moment: float = self._team.waits_until
        return moment

    async def completes(self, *tasks: Any) -> None:
        """Wait until these tasks are completed."""
        async with asyncio.timeout(120):
            for task in tasks:
                while (await self._team.board.tasks.get(task.id)).state != TaskState.COMPLETED:
                    self.check()
                    await asyncio.sleep(0.01)

    def check(self) -> None:
        """Raise what ended it, if anything did."""
        if self._task.done():
            self._task.result()
            pytest.fail(f"the run is over: {self._task.result()}")

    async def end(self) -> None:
        """Cancel it."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
async def running() -> AsyncGenerator[Callable[[Any], Run]]:
    """Begins to run a team, for ever; ended with the test at the latest."""
    begun: list[Run] = []

    def begin(team: Any) -> Run:
        begun.append(Run(team))
        return begun[-1]

    yield begin
    for one in begun:
        await one.end()
