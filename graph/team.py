"""The team: agents, their settings, board, memory and tools, put together."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neveridle.agents.roster import Roster
from neveridle.board import Board, NewTask, Priority, Source, Task
from neveridle.errors import SettingsInvalid, StateConflict
from neveridle.graph.around import Around
from neveridle.graph.checks import Checks
from neveridle.graph.desk import Desk
from neveridle.graph.fencing import Fencing
from neveridle.graph.keeper import Keeper
from neveridle.graph.orders import Orders
from neveridle.graph.preflight import preflight
from neveridle.graph.providers import Providers
from neveridle.graph.report import RunReport
from neveridle.graph.sources.improvement_source import Improvement
from neveridle.graph.sources.sources import Sources
from neveridle.graph.sources.tracker import AnyTracker
from neveridle.graph.state import Problem, TickState
from neveridle.graph.usher import Usher
from neveridle.graph.wakeups import Wakeups
from neveridle.settings import CONFIG_NAME, Settings, load_settings
from neveridle.tools.effects import Performer, ToolMaker, Verbs

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool
    from langgraph.graph.state import CompiledStateGraph

    from neveridle.agents.checkpoints import Checkpoints
    from neveridle.agents.lessons import Lessons
    from neveridle.agents.purse import Purse
    from neveridle.agents.worker import Worker
    from neveridle.graph.alerting import Alert
    from neveridle.graph.allowances import Allowances
    from neveridle.graph.consolidating import Consolidating
    from neveridle.graph.delivery.forge import Forge
    from neveridle.graph.janitor import Janitor
    from neveridle.graph.later import Later
    from neveridle.graph.listener import Listener
    from neveridle.graph.tickets import TicketDesk
    from neveridle.memory import Embedder, Memory
    from neveridle.tools.mcp.servers import McpServers
    from neveridle.tools.models import Models, Replaying
    from neveridle.tools.sandbox import Sandbox
    from neveridle.tools.services import Services, Transports
    from neveridle.tools.workspace import Workspace, Workspaces

PROBLEMS = 50
"""Problems kept in memory for a run's report; the board's log has all."""


class Team:
    """A team of agents on a repository. Use as ``async with Team.load(path) as team``.

    A team belongs to one event loop; ``run_sync`` makes a loop of its own.

    Args:
        settings: what the operator configured.
        worker: who works on tasks, in place of the built-in worker.
        tracker: where the backlog comes from, in place of the configured one.
        embedder: what memory is indexed by, in place of the configured model.
        transport: what services' requests are sent by; see ``ServiceKit``.
        around: what stands around the team where it is tried out.

    Attributes:
        board: the board; there once the team is open, like all that follows.
        memory: what the agents remember.
        graph: the compiled decision tree.
        notices: sentences an operator should see at start.
        waits_until: while all rest, when time alone makes something runnable; None: never.
        problems: what went wrong beside the tasks, newest last.
        stopped: agents that take no more work in this process, and why.
        services, mcp: the services' clients, and the MCP servers.
        forge: what pull requests are made with; None: work is not delivered so.
        providers, allowances: whose models cannot be called, or paid for, just now.
        verbs: the ways of writing to services; recovery finds them here.
        tool_makers: each makes tools for an attempt, by which its agent writes to a service.
    """

    board: Board
    roster: Roster
    workspaces: Workspaces
    sandbox: Sandbox
    models: Models
    purse: Purse
    memory: Memory
    embedder: Embedder
    checkpoints: Checkpoints
    lessons: Lessons
    worker: Worker
    sources: Sources
    improvement: Improvement
    wakeups: Wakeups
    tickets: TicketDesk
    later: Later
    usher: Usher
    keeper: Keeper
    fencing: Fencing
    services: Services
    mcp: McpServers
    forge: Forge | None
    _stack: AsyncExitStack | None
    providers: Providers
    orders: Orders
    allowances: Allowances
    janitor: Janitor
    checks: Checks
    consolidating: Consolidating
    alert: Alert
    graph: CompiledStateGraph[TickState, None, TickState, TickState]
    replaying: Replaying | None

    def __init__(
        self,
        settings: Settings,
        *,
        worker: Worker | None = None,
        tracker: AnyTracker | None = None,
        embedder: Embedder | None = None,
        transport: Transports | None = None,
        around: Around | None = None,
    ) -> None:
        self.settings = settings
        self.notices: list[str] = []
        self.verbs = Verbs()
        self.tool_makers, self.service_tool_makers = list[ToolMaker](), list[ToolMaker]()
        self.given_worker, self.given_tracker = worker, tracker
        self.given_embedder, self.given_transport = embedder, transport
        self.around, self.replaying = around or Around(), None
        self._stack, self._running = None, False
        self._reset()

    def _reset(self) -> None:
        """Forget what an earlier opening of this team knew."""
        self.desk = Desk()
        self.leaving = asyncio.Event()
        self.listener: Listener | None = None
        self.notices.clear()
        self.problems: list[Problem] = []
        self.stopped: dict[str, Problem] = {}
        self.waits_until: float | None = None
        self.quiet: dict[tuple[str, Source], int] = {}
        self._told: dict[str, Problem] = {}
        self._runs: dict[str, str] = {}
        self._registering = asyncio.Lock()

    @classmethod
    def load(cls, path: str | Path = CONFIG_NAME, **given: Any) -> Team:
        """The team configured in a file; see the class for ``given``.

        Raises:
            SettingsInvalid: with file, line and remedy.
        """
        return cls(load_settings(Path(path)), **given)

    async def open(self) -> Team:
        """Open board, repository and memory; nothing is worked on yet.

        Opening an open team changes nothing; a closed one can be opened again.

        Raises:
            OperatorError: something must be configured or repaired first; see its subclasses.
        """
        from neveridle.graph.opening import open_parts

        if self._stack is not None:
            return self
        self._reset()
        async with AsyncExitStack() as stack:
            await open_parts(self, stack)
            self._stack = stack.pop_all()
        return self

    async def close(self) -> None:
        """Return what is at work to the board, and close everything; may be called twice."""
        stack, self._stack = self._stack, None
        if stack is not None:
            await stack.aclose()

    @property
    def draining(self) -> bool:
        """Whether no agent of this process takes a task any more."""
        return self.leaving.is_set()

    def drain(self) -> None:
        """Take no new task; ``run`` ends once what is at work has ended. Until reopened."""
        self.leaving.set()

    async def end_runs(self) -> None:
        """Return what this process holds, and say that its agents are gone."""
        runs = self.keeper.runs
        if runs:
            await self.board.attempts.release_runs(runs)
            await self.board.runs.end(runs)

    async def __aenter__(self) -> Team:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
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
        services: tuple[str, ...] = (),
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
            services: names of services it needs: while one of them cannot be used, nobody
                is given it.

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
                services=tuple(one.strip().lower() for one in services),
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
        listener: Listener | None = None,
        began: float | None = None,
    ) -> RunReport:
        """Let the agents pull work; one that stopped in an earlier run takes work again.

        Args:
            until: ``idle``: until there is nothing left that could be done now;
                ``forever``: until cancelled.
            ticks: at most so many ticks in all; None: no limit.
            timeout: at most so many seconds by the board's clock; None: no limit.
            agents: only these; None: all; a paused one takes no task.
            listener: told of what comes of it while it runs.
            began: when the run began that this one continues; earlier drains do not concern
                it. None: now.

        Raises:
            ModelNotConfigured: no model is set.
            SettingsInvalid: no checks are set, so nothing could ever be proven.
            StateConflict: the team is running already.
            NotFound: there is no such agent.
        """
        from neveridle.graph.runner import Runner

        if until not in ("idle", "forever"):
            msg = f"until is 'idle' or 'forever', not '{until}'."
            raise SettingsInvalid(msg)
        preflight(self)
        names = self.roster.names if agents is None else agents
        names = list(dict.fromkeys(self.roster.get(name).name for name in names))
        if self._running:
            msg = "The team is running already."
            raise StateConflict(msg, remedy="Wait for that run, or open a second Team.")
        self._running = True
        try:
            for name in names:
                self.stopped.pop(name, None)
            self.listener = listener
            return await Runner(self, names).run(
                until=until, ticks=ticks, timeout=timeout, began=began
            )
        finally:
            self._running, self.listener = False, None

    def run_sync(self, **how: Any) -> RunReport:
        """Open the team, run it (see ``run``), and close it, in an event loop of its own.

        Raises:
            StateConflict: called where an event loop runs already, as in a notebook.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            msg = "An event loop is running here already."
            raise StateConflict(msg, remedy="Use `async with team:` and `await team.run(…)`.")

        async def whole() -> RunReport:
            async with self:
                return await self.run(**how)

        return asyncio.run(whole())

    async def run_of(self, agent: str) -> str:
        """The run of an agent in this process; registered when first asked for."""
        known = self._runs.get(agent)
        if known is not None:
            return known
        async with self._registering:
            if agent not in self._runs:
                # To its end, also when cancelled: a run that nobody knows would never be ended.
                job = asyncio.create_task(self._register(agent), name="neveridle-register")
                try:
                    await asyncio.shield(job)
                except asyncio.CancelledError:
                    await asyncio.wait([job])
                    _ = job.cancelled() or job.exception()  # seen: who is cancelled asks no more
                    raise
        return self._runs[agent]

    async def _register(self, agent: str) -> None:
        one = self.roster.get(agent)
        run = await self.board.runs.start(agent, role=one.role, skills=one.skills)
        self.keeper.add(run)
        self._runs[agent] = run
        if self.listener is not None:
            self.listener.began(run)

    async def give_back(self, agents: list[str]) -> None:
        """Return to the board whatever these agents still hold in this process."""
        runs = [run for agent, run in self._runs.items() if agent in agents]
        for job in self.desk.jobs:
            if job.attempt.run in runs:
                self.desk.drop(job.attempt.task_id, job.attempt.fence)
        if runs:
            await self.board.attempts.release_runs(runs)

    def tools_for(self, workspace: Workspace) -> list[BaseTool]:
        """What an agent may use in its clone."""
        from neveridle.tools.repository import repository_tools

        seconds = {"timeout": self.settings.sandbox.timeout, "silence": self.settings.idle_timeout}
        return repository_tools(workspace, self.sandbox, **seconds)

    def service_tools(self, performer: Performer) -> list[BaseTool]:
        """What an agent may use of services, for one attempt."""
        makers = [*self.service_tool_makers, *self.tool_makers]
        return [tool for make in makers for tool in make(performer)]

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
        await self.alert.stopped(agent, self._runs.get(agent, ""), problem)

    async def note_problem(self, problem: Problem, *, where: str) -> None:
        """Remember what went wrong beside the tasks; the same in one place only once in a row."""
        if self._told.get(where) == problem:
            return
        self._told[where] = problem
        self.problems = [*self.problems[1 - PROBLEMS :], problem]
        await self.board.events.append("team.problem", {**problem, "where": where})

    async def note_error(self, error: Exception, where: str) -> None:
        """The same for an error as it was raised."""
        from neveridle.graph.nodes.guard import problem_of

        await self.note_problem(problem_of(error), where=where)
