"""Follows the board's log while a team runs: who does what, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from neveridle.cli.sayings import sentence
from neveridle.graph.report import AttemptLine, RunReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from neveridle.board import Board, Event

PAGE = 500
TITLES = 2000
"""Titles kept; a run that lasts for days meets more tasks."""
ENDINGS = {
    "task.completed": "completed",
    "attempt.failed": "failed",
    "task.blocked": "blocked",
    "task.handed_off": "handed_off",
    "attempt.parked": "parked",
    "attempt.released": "released",
    "attempt.expired": "lost",
}


@dataclass(slots=True)
class Doing:
    """What an agent of this process does just now.

    Attributes:
        task: the id of its task.
        title: that task's title.
        rung: where the task comes from.
        phase: how far it has come.
        calls: model calls made for it.
    """

    task: int
    title: str
    rung: str
    phase: str = "claimed"
    calls: int = 0


@dataclass(slots=True)
class Follower:
    """Reads the log on, in steps.

    Args:
        board: whose log.
        runs: the runs of this process, which the report is about.

    Attributes:
        doing: by agent.
        report: what came of it so far.
    """

    board: Board
    runs: Callable[[], list[str]]
    doing: dict[str, Doing] = field(default_factory=dict[str, Doing])
    report: RunReport = field(default_factory=RunReport)
    _after: int = 0
    _titles: dict[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])

    async def start(self) -> None:
        """Begin at the log's end."""
        self._after = await self.board.events.newest()

    async def step(self) -> list[Event]:
        """Read what is new, take it in, and return it."""
        new: list[Event] = []
        while True:
            page = await self.board.events.find(after=self._after, limit=PAGE)
            for event in page:
                self._after = event.id
                await self._take_in(event)
            new += page
            if len(page) < PAGE:
                return new

    def sentence(self, event: Event) -> str:
        """What a line says of an event; empty where it is not shown."""
        title, rung = self._titles.get(event.task_id or 0, ("", ""))
        facts = {"title": title, "source": rung, **event.data}
        return sentence(event.kind, event.task_id, facts)

    async def _take_in(self, event: Event) -> None:
        agent, task = event.agent or "", event.task_id
        if task is not None and task not in self._titles:
            if len(self._titles) >= TITLES:
                self._titles.clear()
            found = await self.board.tasks.get(task)
            self._titles[task] = (found.title, str(found.source))
        if event.run not in self.runs():
            return
        now = self.doing.get(agent)
        if event.kind == "task.claimed" and task is not None:
            title, rung = self._titles[task]
            self.doing[agent] = Doing(task, title, rung)
        elif event.kind == "attempt.phase" and now is not None:
            now.phase = str(event.data.get("phase", now.phase))
        elif event.kind == "model.call":
            self.report.count_call(event.data, idle=task is None)
            if now is not None:
                now.calls += 1
        elif event.kind in ENDINGS and now is not None and now.task == task:
            self._end(agent, now, ENDINGS[event.kind])

    def _end(self, agent: str, doing: Doing, ending: str) -> None:
        del self.doing[agent]
        self.report.add(
            AttemptLine(
                agent=agent,
                task=doing.task,
                title=doing.title,
                rung=doing.rung,
                ending=ending,
                path=(),
            )
        )
