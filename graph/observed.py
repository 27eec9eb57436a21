"""Nodes as logs and traces see them: whose work they do, and how it ended."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from neveridle.graph.desk import Job
from neveridle.tools.telemetry import AttemptTrace, Begun, working

if TYPE_CHECKING:
    from neveridle.graph.desk import Desk
    from neveridle.graph.state import TickState
    from neveridle.graph.team import Team
    from neveridle.tools.telemetry import Traced

log = logging.getLogger(__name__)


class _Scope:
    """One node at work.

    Args:
        name: the node's.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.job: Job | None = None
        self.span: Traced | None = None
        self.ending = ""
        self.stack = ExitStack()

    def enter(self, job: Job) -> None:
        """From here on it works for an attempt."""
        self.job = job
        if job.trace is not None:
            self.stack.enter_context(working(**job.trace.begun.fields))
            self.span = self.stack.enter_context(job.trace.node(self.name))


_scope: ContextVar[_Scope | None] = ContextVar("neveridle_scope", default=None)


def observed(
    team: Team, name: str, run: Callable[[TickState], Awaitable[TickState]]
) -> Callable[[TickState], Awaitable[TickState]]:
    """The node; what is logged and traced in it knows whose work it is.

    A tick that finds nothing makes no span: ``began`` makes the first, once a task was won.
    """

    async def watched(state: TickState) -> TickState:
        agent = state.get("agent", "")
        task, fence = state.get("task", 0), state.get("fence", 0)
        fields = {"agent": agent} if agent else {}
        if agent and name != "heartbeat":  # which registers the run
            fields["run"] = await team.run_of(agent)
        with working(**fields):
            if not task and name != "claim":
                return await run(state)
            with _entered(name) as scope:
                job = team.desk.find(task, fence)
                if job is not None:
                    scope.enter(job)
                found = await run(state)
                _ended(team.desk, scope, found)
                return found

    watched.__name__ = name
    return watched


def began(job: Job) -> None:
    """An attempt begins, in the node that runs just now."""
    attempt, previous = job.attempt, job.previous
    resumes = attempt.resumes is not None and previous is not None
    job.trace = AttemptTrace(
        Begun(
            agent=attempt.agent,
            run=attempt.run,
            task=attempt.task_id,
            attempt=attempt.number,
            fence=attempt.fence,
            rung=str(job.task.source),
            resumes=(previous.run, previous.fence) if resumes and previous is not None else None,
        )
    )
    scope = _scope.get()
    if scope is not None:
        scope.enter(job)
    log.info("took the task up, from %s", job.task.source)


@contextmanager
def _entered(name: str) -> Generator[_Scope]:
    scope = _Scope(name)
    token = _scope.set(scope)
    try:
        with scope.stack:
            yield scope
    except BaseException:  # cancelled: its attempt was returned
        scope.ending = "released"
        raise
    finally:
        _scope.reset(token)
        job = scope.job
        if scope.ending and job is not None and job.trace is not None:
            failure = job.notes.get("failure") if scope.ending == "failed" else None
            job.trace.end(
                "lost" if job.lost else scope.ending, error=failure["code"] if failure else ""
            )


def _ended(desk: Desk, scope: _Scope, found: TickState) -> None:
    """Note what came of a node, and of the attempt where it is over."""
    job, problem = scope.job, found.get("problem")
    if job is None or job.trace is None:
        return
    if problem is not None and scope.span is not None:
        scope.span.failed(problem["code"])
    if desk.find(job.attempt.task_id, job.attempt.fence) is not None:
        return
    scope.ending = found.get("ending") or "withdrawn"
    log.info("the attempt ended: %s", scope.ending.replace("_", " "))
