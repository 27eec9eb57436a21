"""The runner: ticks while there is work, waits while there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from neveridle.board import Board
from neveridle.board.event import Event
from neveridle.board.simulation import paced
from neveridle.errors import LeaseLost
from neveridle.graph.report import AttemptLine, RunReport
from neveridle.graph.state import TickState
from neveridle.graph.team import Team

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

GLANCE = 2.0
"""Real seconds between two glances, while all rest, at whether the repository moved."""
SCRIPTED_GLANCE = 0.02
OVERDUE_GLANCE = 0.25
PAGE = 1000
NODES_PER_TICK = 100
"""Far more than a tick passes: it only bounds one that goes round in circles."""


class Runner:
    """Runs the agents of a team in this process, one loop each.

    The graph never waits; the runner does, on the board's version and on the clock.

    Args:
        team: an open team.
        agents: names of those who run.
    """

    def __init__(self, team: Team, agents: list[str]) -> None:
        self._team = team
        self._agents = agents
        self._rested = asyncio.Event()
        self._over: set[str] = set()
        self._report = RunReport(notices=list(team.notices))
        self._left: int | None = None
        self._until = "idle"

    async def run(
        self,
        *,
        until: str,
        ticks: int | None,
        timeout: float | None,  # noqa: ASYNC109 - it is the board's clock that counts
        began: float | None = None,
    ) -> RunReport:
        """See ``Team.run``."""
        team, report = self._team, self._report
        self._until, self._left = until, ticks
        await team.orders.begin(began, mine=team.keeper.runs)
        started = await team.board.clock.now()
        newest = await team.board.events.newest()
        loops = [
            asyncio.create_task(self._agent(name), name=f"neveridle-{name}")
            for name in self._agents
        ]
        watch = asyncio.create_task(self._watch(), name="neveridle-watch")
        beside = [
            asyncio.create_task(team.usher.serve(), name="neveridle-usher"),
            asyncio.create_task(self._leave(), name="neveridle-leave"),
        ]
        try:
            if timeout is None:
                report.reason = await self._wait(loops, watch)
            else:
                try:
                    async with team.board.clock.timeout(timeout):
                        report.reason = await self._wait(loops, watch)
                except TimeoutError:
                    report.reason = "timeout"
        finally:
            everything: list[asyncio.Task[Any]] = [*loops, watch, *beside]
            for one in everything:
                one.cancel()
            await asyncio.gather(*everything, return_exceptions=True)
            await team.give_back(self._agents)
        report.seconds = await team.board.clock.now() - started
        report.problems, report.stopped = list(team.problems), dict(team.stopped)
        report.resumes_at = team.allowances.resumes_at
        await count_calls(team.board, report, team.keeper.runs, newest)
        return report

    async def _wait(self, loops: list[asyncio.Task[str]], watch: asyncio.Task[str]) -> str:
        """Until the watch says so, or every agent's loop is over; errors come through."""
        pending: set[asyncio.Task[str]] = {*loops, watch}
        while pending & set(loops):
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
            if watch in done:
                return watch.result()
        reasons = {loop.result() for loop in loops}
        return next(reason for reason in ("drained", "ticks", "stopped") if reason in reasons)

    async def _agent(self, name: str) -> str:
        team = self._team
        config: RunnableConfig = {"recursion_limit": NODES_PER_TICK}
        start: TickState = {"agent": name}
        while not (name in team.stopped or self._leaves(name)):
            if self._left is not None:
                if self._left <= 0:
                    return "ticks"
                self._left -= 1
                if self._left == 0:
                    team.usher.wake_all()  # there are no ticks left to find anything with
            state = cast("TickState", await cast("Any", team.graph).ainvoke(start, config))
            self._report.ticks += 1
            if not await self._ended(name, state):
                await self._rest(name, int(state.get("wait", {})["after"]))
        team.usher.arrived(name)
        self._over.add(name)
        self._rested.set()
        return "drained" if self._leaves(name) else "stopped"

    def _leaves(self, name: str) -> bool:
        return self._team.draining or self._team.orders.draining(name)

    async def _rest(self, name: str, seen: int) -> None:
        """Until there may be something to do, or no ticks are left to find it with."""
        if self._left == 0 or self._leaves(name):
            return
        self._rested.set()
        await self._team.usher.rest(name, seen)

    async def _leave(self) -> None:
        """Who rests when the team is to drain, leaves."""
        await self._team.leaving.wait()
        self._team.usher.wake_all()

    async def _ended(self, name: str, state: TickState) -> bool:
        """Note the attempt that a tick ended, if there was one."""
        team = self._team
        ending = state.get("ending")
        task, fence = state.get("task", 0), state.get("fence", 0)
        problem = state.get("problem")
        if ending is None and problem is not None:
            # Even recovering failed: give the task back, and do not take it up again.
            job = team.desk.find(task, fence)
            team.desk.drop(task, fence)
            await team.stop_agent(name, problem)
            if job is not None and not job.lost:
                with suppress(LeaseLost):
                    await team.board.attempts.release(job.attempt)
                ending = "released"
        if ending is None:
            return False
        if ending == "lost":
            await team.janitor.clear(task)  # where it was cancelled, nobody else does
        line = AttemptLine(
            agent=name,
            task=task,
            title=state.get("title", ""),
            rung=state.get("rung", ""),
            ending=ending,
            path=tuple(state.get("path", [])),
        )
        self._report.add(line)
        if team.listener is not None:
            team.listener.ended(line)
        team.wakeups.nudge()
        return True

    async def _watch(self) -> str:
        """Follow the sources; while all rest: is there nothing left, or something to wait for?"""
        team = self._team
        pause = GLANCE
        while True:
            await self._pause(pause)
            pause = GLANCE
            await team.sources.hear()
            if team.sources.glance(await team.board.clock.now()):
                await team.sources.refresh()
            if await team.allowances.opened():
                team.usher.wake_all()
            if all(name in team.stopped for name in self._agents):
                return "stopped"
            resting = team.usher.resting
            over = team.stopped.keys() | self._over
            awake = [name for name in self._agents if name not in resting and name not in over]
            if awake or await self._improved():
                team.waits_until = None
                self._idle(None)
                continue
            # In this order: what comes due after the first look is told by the second.
            moments = [
                await team.board.next_due(),
                await team.providers.next_due(),
                await team.allowances.next_due(),
                await team.around.due() if team.around.due is not None else None,
            ]
            await team.board.breakers_due()
            version = await team.wakeups.look()
            if any(seen < version for seen in resting.values()):
                self._idle(None)
                continue  # they are being woken just now
            due = team.waits_until = min((at for at in moments if at is not None), default=None)
            self._idle(None if due is not None else version)
            if self._until == "idle" and self._all_paused(resting):
                return "paused"  # whatever comes due, nobody would take it
            if due is None:
                if self._until == "idle":
                    return "idle"
                continue
            left = due - await team.board.clock.now()
            if left <= 0:
                await team.keeper.sweep()
                team.wakeups.nudge()
            # A scripted clock may jump at any moment; the database's own does not.
            if team.board.clock.scripted:
                pause = SCRIPTED_GLANCE
            elif left > 0:
                pause = min(GLANCE, max(left, 0.01))
            else:  # what is overdue may be left alone for a while: see Patience
                pause = OVERDUE_GLANCE

    def _all_paused(self, agents: Collection[str]) -> bool:
        said = [name for name in agents if self._team.orders.paused(name)]
        return bool(said) and all(
            name in said or self._team.roster.get(name).paused for name in agents
        )

    def _idle(self, version: int | None) -> None:
        if self._team.listener is not None:
            self._team.listener.idle(version)

    async def _improved(self) -> bool:
        """Whether looking for improvements, where a new day allows it, made tasks."""
        if self._team.allowances.improvement_closed:
            return False
        try:
            return await self._team.improvement.look(again=True)
        except Exception as error:  # noqa: BLE001 - one broken rung must not stop the others
            await self._team.note_error(error, "check_improvement")
            return False

    async def _pause(self, seconds: float) -> None:
        """Until somebody begins to rest, or some real seconds have passed."""
        # Not asyncio.wait_for: on Python 3.11 it loses a cancellation that comes together
        # with what it waits for.
        try:
            async with asyncio.timeout(paced(seconds)):
                await self._rested.wait()
        except TimeoutError:
            return
        self._rested.clear()


async def count_calls(board: Board, report: RunReport, runs: Collection[str], after: int) -> None:
    """Count the model calls of some runs from the log: also those of attempts that ended badly.

    Args:
        board: whose log.
        report: where they are added.
        runs: whose calls count; those for nobody's run always do.
        after: the event after which to begin.
    """
    ours = {None, *runs}
    while True:
        page: list[Event] = await board.events.find(kind="model.call", after=after, limit=PAGE)
        for event in page:
            if event.run not in ours:
                continue
            report.count_call(event.data, idle=event.task_id is None)
        if len(page) < PAGE:
            return
        after = page[-1].id
