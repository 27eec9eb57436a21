"""Hands in place of the model: what an agent does, written as a test wants it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

import pytest

from neveridle import Team
from neveridle.agents import Assignment, TaskOutcome
from neveridle.errors import NotFound

Act = Callable[[Assignment], Awaitable[Any]]


class Hands:
    """A worker, at the public seam, that does for each title what it was told.

    Attributes:
        seen: what it was given to work on, in order.
    """

    def __init__(self) -> None:
        self.seen: list[Assignment] = []
        self._acts: dict[str, list[Act]] = {}

    def do(self, title: str, *acts: Act) -> None:
        """Say what happens at each attempt at a task; the last act is repeated."""
        self._acts[title] = list(acts)

    async def work(self, assignment: Assignment) -> TaskOutcome:
        """See ``Worker``."""
        self.seen.append(assignment)
        acts = self._acts.get(assignment.task.title) or self._acts.get("*")
        if not acts:
            msg = f"nobody said what to do for {assignment.task.title!r}"
            raise NotFound(msg)
        act = acts.pop(0) if len(acts) > 1 else acts[0]
        outcome: TaskOutcome = await act(assignment)
        return outcome

    @staticmethod
    def leave(files: Mapping[str, str] | None = None, **outcome: Any) -> Act:
        """Write files and say that it is done, or what ``outcome`` says."""

        async def act(assignment: Assignment) -> Any:
            assert assignment.tree is not None
            for name, text in (files or {}).items():
                path = assignment.tree / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return {"status": "completed", "summary": f"Did {assignment.task.title}.", **outcome}

        return act

    @staticmethod
    def fail(error: BaseException) -> Act:
        """Raise an error."""

        async def act(assignment: Assignment) -> Any:
            raise error

        return act


@pytest.fixture
def hands() -> Hands:
    """A worker that was told nothing yet; whatever its task, it leaves a file."""
    made = Hands()

    async def anything(assignment: Assignment) -> Any:
        name = f"{assignment.task.id}.txt"
        return await made.leave({name: "done\n"})(assignment)

    made.do("*", anything)
    return made


@pytest.fixture
async def team(project: Any, hands: Hands) -> AsyncGenerator[Team]:
    """The project's team, open, with hands in place of a model."""
    async with project.team(worker=hands) as opened:
        yield opened
