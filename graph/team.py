"""The team: agents, their settings, board, memory and tools, put together."""

from __future__ import annotations

import asyncio
import os
import tomllib
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from neveridle.agents.roster import Roster
from neveridle.board import Board, NewTask, Priority, Source, Task
from neveridle.errors import SandboxMissing, SettingsInvalid
from neveridle.graph.desk import Desk
from neveridle.graph.keeper import Keeper
from neveridle.graph.report import RunReport
from neveridle.graph.sources.improvement_source import Improvement
from neveridle.graph.sources.sources import Sources
from neveridle.graph.sources.tracker import BoardTracker, Tracker
from neveridle.graph.state import Problem, TickState
from neveridle.graph.wakeups import Wakeups
from neveridle.settings import CONFIG_NAME, Settings, load_settings

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool
    from langgraph.graph.state import CompiledStateGraph

    from neveridle.agents.checkpoints import Checkpoints
    from neveridle.agents.lessons import Lessons
    from neveridle.agents.worker import Worker
    from neveridle.memory import Embedder, Memory
    from neveridle.tools.models import Models
    from neveridle.tools.sandbox import Sandbox
    from neveridle.tools.workspace import Workspace, Workspaces

PROBLEMS = 50
"""Problems kept in memory for the report of a run; the log on the board has all."""


class Team:
    """A team of agents on a repository. Use as ``async with Team.load(path) as team``.

    A team belongs to one event loop; ``run_sync`` makes a loop of its own.

    Args:
        settings: what the operator configured.
        worker: who works on tasks, in place of the built-in worker.
        tracker: where the backlog comes from, in place of the configured one.
        embedder: what memory is indexed by, in place of the configured model.

    Attributes:
        board: the board; there once the team is open, like all that follows.
        memory: what the agents remember.
        graph: the compiled decision tree.
        notices: sentences an operator should see at start.
        problems: what went wrong beside the tasks themselves, newest last.
    """

    board: Board
    roster: Roster
    workspaces: Workspaces
    sandbox: Sandbox
    models: Models
    memory: Memory
    checkpoints: Checkpoints
    lessons: Lessons
    worker: Worker
    sources: Sources
    improvement: Improvement
    wakeups: Wakeups
    keeper: Keeper
    graph: CompiledStateGraph[TickState, None, TickState, TickState]

    def __init__(
        self,
        settings: Settings,
        *,
        worker: Worker | None = None,
        tracker: Tracker | None = None,
        embedder: Embedder | None = None,
    ) -> None:
        self.settings = settings
        self.desk = Desk()
        self.draining = False
        self.notices: list[str] = []
        self.problems: list[Problem] = []
        self.stopped: dict[str, Problem] = {}
        self.quiet: dict[tuple[str, Source], int] = {}
        self._given_worker = worker
        self._given_tracker = tracker
        self._given_embedder = embedder
        self._runs: dict[str, str] = {}
        self._registering = asyncio.Lock()
        self._checks: dict[str, dict[str, str]] = {}
        self._open = False

    @classmethod
    def load(cls, path: str | Path = CONFIG_NAME, **given: Any) -> Team:
        """The team configured in a file; see the class for ``given``.

        Raises:
            SettingsInvalid: with file, line and remedy.
        """
        return cls(load_settings(Path(path)), **given)

    async def open(self) -> Team:
        """Open board, repository and memory; nothing is worked on yet.

        Raises:
            OperatorError: something must be configured or repaired first; see its subclasses.
        """
        from neveridle.agents.checkpoints import Checkpoints
        from neveridle.agents.lessons import Lessons
        from neveridle.agents.worker import ModelWorker
        from neveridle.graph.build import build_graph
        from neveridle.memory import Memory, MiniLM
        from neveridle.tools.models import Models
        from neveridle.tools.sandbox import make_sandbox
        from neveridle.tools.workspace import Workspaces

        settings = self.settings
        self.roster = Roster.load(settings.path(settings.team.souls), settings.agents)
        self.workspaces = Workspaces(
            settings.repository, settings.home, branch=settings.team.branch
        )
        await self.workspaces.open()
        self.sandbox, notice = await make_sandbox(settings.sandbox)
        if notice:
            self.notices.append(notice)
        self._check_delivery()
        self.models = Models(settings.model, settings.agents, root=settings.root)
        self.board = await Board(settings.board_url).open()
        try:
            embedder = self._given_embedder or MiniLM(settings.memory.embedding)
            self.memory = Memory(self.board.memories, home=settings.home, embedder=embedder)
            self.checkpoints = Checkpoints(settings.home / "checkpoints.db")
            self.lessons = Lessons(self.board, self.models)
            self.worker = self._given_worker or ModelWorker(
                self.board, self.models, self.checkpoints, self.roster, settings.limits
            )
            holder = f"{os.getpid()}-{id(self):x}"
            tracker = self._given_tracker or BoardTracker(self.board)
            self.sources = Sources(
                self.board, self.workspaces, tracker, self.roster,
                roadmap=settings.team.roadmap, holder=holder,
            )  # fmt: skip
            self.improvement = Improvement(
                self.board, self.workspaces, self.sandbox, self.sources, self.roster, settings,
                holder=holder,
            )  # fmt: skip
            self.wakeups = Wakeups(self.board)
            self.keeper = Keeper(
                self.board, self.desk, self.wakeups, settings.leases,
                attempts=settings.limits.attempts * 3,
            )  # fmt: skip
            self.graph = build_graph(self)
            await self.keeper.sweep()
            await self.sources.refresh()
            await self.wakeups.look()
            self.keeper.start()
        except BaseException:
            await self.board.close()
            raise
        self._open = True
        return self

    def _check_delivery(self) -> None:
        delivery = self.settings.delivery
        if delivery.mode == "merge" and not self.sandbox.confines:
            if not delivery.unsandboxed_merge:
                msg = "delivery.mode is merge, and commands cannot be confined on this machine."
                raise SandboxMissing(
                    msg,
                    remedy='Install bubblewrap, use mode = "branch", or accept it with '
                    "unsandboxed_merge = true in [delivery].",
                )
            self.notices.append("Work is merged though commands are not confined.")

    async def close(self) -> None:
        """Return what is at work to the board, and close everything; may be called twice."""
        if not self._open:
            return
        self._open = False
        await self.keeper.stop()
        await self.wakeups.stop()
        try:
            if self.keeper.runs:
                await self.board.attempts.release_runs(self.keeper.runs)
                await self.board.runs.end(self.keeper.runs)
        finally:
            self._runs.clear()
            await self.memory.close()
            await self.checkpoints.close()
            await self.board.close()

    async def __aenter__(self) -> Team:
        return await self.open()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def dispatch(
        self,
        agent: str,
        title: str,
        *,
        description: str = "",
        ticket: str = "",
        priority: str = "normal",
        after: tuple[int, ...] = (),
        acceptance: tuple[str, ...] = (),
        needs_change: bool = True,
    ) -> Task:
        """Address a task to an agent.

        Args:
            agent: its name.
            title: what to do, in a line.
            description: what to do, at length.
            ticket: the ticket it belongs to.
            priority: low, normal, high or urgent.
            after: ids of tasks that must be completed first.
            acceptance: commands that must succeed besides the project's checks.
            needs_change: whether work that changes no file can be right.

        Raises:
            NotFound: there is no such agent, or no such task to come after.
            StateConflict: there is no such priority.
        """
        task = await self.board.tasks.add(
            NewTask(
                source=Source.DISPATCH,
                title=title,
                description=description,
                ticket=ticket,
                priority=Priority.parse(priority),
                assignee=self.roster.get(agent).name,
                after=after,
                acceptance=acceptance,
                needs_change=needs_change,
            )
        )
        self.wakeups.nudge()
        return task

    async def run(
        self,
        *,
        until: str = "idle",
        ticks: int | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - it is the board's clock that counts
        agents: list[str] | None = None,
    ) -> RunReport:
        """Let the agents pull work.

        Args:
            until: ``idle``: until there is nothing left that could be done now;
                ``forever``: until cancelled.
            ticks: at most so many ticks in all; None: no limit.
            timeout: at most so many seconds by the board's clock; None: no limit.
            agents: only these; None: all that are not paused.

        Raises:
            ModelNotConfigured: no model is set.
            SettingsInvalid: no checks are set, so nothing could ever be proven.
        """
        from neveridle.graph.runner import Runner

        if until not in ("idle", "forever"):
            msg = f"until is 'idle' or 'forever', not '{until}'."
            raise SettingsInvalid(msg)
        self._preflight()
        names = [self.roster.get(name).name for name in agents or self.roster.names]
        return await Runner(self, names).run(until=until, ticks=ticks, timeout=timeout)

    def run_sync(self, **how: Any) -> RunReport:
        """Open the team, run it (see ``run``), and close it, in an event loop of its own."""

        async def whole() -> RunReport:
            async with self:
                return await self.run(**how)

        return asyncio.run(whole())

    def _preflight(self) -> None:
        if self._given_worker is None:
            self.models.check()
        if not self.settings.checks:
            msg = "No checks are set, so no work could ever be proven."
            raise SettingsInvalid(
                msg,
                remedy="Set the commands that must pass in [checks] of neveridle.toml, such as "
                'tests = "python -m pytest -q".',
            )

    async def run_of(self, agent: str) -> str:
        """The run of an agent in this process; registered when first asked for."""
        known = self._runs.get(agent)
        if known is not None:
            return known
        async with self._registering:
            if agent not in self._runs:
                one = self.roster.get(agent)
                run = await self.board.runs.start(agent, role=one.role, skills=one.skills)
                self.keeper.add(run)
                self._runs[agent] = run
        return self._runs[agent]

    async def checks_at(self, commit: str) -> dict[str, str]:
        """The project's checks as they were defined at a commit.

        Where the configuration file is part of the repository, an attempt is judged by the
        definitions it started from: it cannot change what it is judged by.
        """
        if not commit:
            return dict(self.settings.checks)
        if commit not in self._checks:
            if len(self._checks) > 256:
                self._checks.clear()
            self._checks[commit] = await self._read_checks(commit)
        return dict(self._checks[commit])

    async def _read_checks(self, commit: str) -> dict[str, str]:
        config = self.settings.root / CONFIG_NAME
        if not config.is_relative_to(self.settings.repository):
            return dict(self.settings.checks)
        path = config.relative_to(self.settings.repository).as_posix()
        text = await self.workspaces.read_at(commit, path)
        if text is None:
            return dict(self.settings.checks)
        try:
            found = tomllib.loads(text).get("checks")
        except tomllib.TOMLDecodeError:
            return dict(self.settings.checks)
        if not isinstance(found, dict):
            return dict(self.settings.checks)
        return {str(name): str(command) for name, command in found.items()}

    def tools_for(self, workspace: Workspace) -> list[BaseTool]:
        """What an agent may use in its clone."""
        from neveridle.tools.repository import repository_tools

        return repository_tools(workspace, self.sandbox, timeout=self.settings.sandbox.timeout)

    def email_of(self, agent: str) -> str:
        """The address in an agent's commits; nobody reads mail there."""
        return f"{agent}@agents.neveridle.invalid"

    async def stop_agent(self, agent: str, problem: Problem) -> None:
        """Let an agent take no more work in this process."""
        self.stopped[agent] = problem
        await self.board.events.append("agent.stopped", dict(problem), agent=agent)
        await self.board.messages.post(
            "dev", agent, f"@human I stopped: {problem['message']} {problem['remedy']}".strip()
        )

    async def note_problem(self, problem: Problem, *, where: str) -> None:
        """Remember what went wrong beside the tasks; the same one only once in a row."""
        if self.problems and self.problems[-1] == problem:
            return
        self.problems = [*self.problems[1 - PROBLEMS :], problem]
        await self.board.events.append("team.problem", {**problem, "where": where})
