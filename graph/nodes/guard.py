"""What every node that works on an attempt has in common: its errors go to ``recover``."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, cast

from neveridle.errors import (
    AccessRefused,
    BudgetReached,
    ErrorCategory,
    HandoffRefused,
    LeaseLost,
    NeveridleError,
    ServiceError,
    Stuck,
)
from neveridle.graph.desk import Job
from neveridle.graph.observed import observed
from neveridle.graph.state import Problem, TickState
from neveridle.graph.team import Team

log = logging.getLogger(__name__)

Node = Callable[[Team, TickState], Awaitable[TickState]]


def named(team: Team, name: str, node: Node) -> Callable[[TickState], Awaitable[TickState]]:
    """The node, with its name on the path; its errors are the caller's."""

    async def run(state: TickState) -> TickState:
        return {**await node(team, state), "path": [name]}

    return observed(team, name, run)


def passed_over(team: Team, name: str, node: Node) -> Callable[[TickState], Awaitable[TickState]]:
    """A rung: where it cannot look, it is passed over, and the next one is looked at."""

    async def run(state: TickState) -> TickState:
        try:
            found = await node(team, state)
        except Exception as error:  # noqa: BLE001 - one broken rung must not stop the others
            await team.note_problem(problem_of(error), where=name)
            return {"path": [name]}
        return {**found, "path": [name]}

    return observed(team, name, run)


def guarded(team: Team, name: str, node: Node) -> Callable[[TickState], Awaitable[TickState]]:
    """The node, with its name on the path and its errors in the state.

    A lost lease ends the tick: nothing of it may be written any more. Cancellation, unless
    it was the loss of the lease that caused it, returns the task to the board and passes
    through.
    """

    async def run(state: TickState) -> TickState:
        runner = asyncio.current_task()
        job = team.desk.find(state.get("task", 0), state.get("fence", 0))
        if job is not None:
            job.runner = runner  # whom the keeper cancels with the lease
        try:
            found = await node(team, state)
        except LeaseLost:
            return _lost(team, state, name)
        except asyncio.CancelledError:
            job = team.desk.run_by(runner)  # ``claim`` begins without one
            if job is None:
                raise
            if job.lost and runner is not None and runner.uncancel() == 0:
                return _lost(team, state, name)
            await _give_back(team, job)
            raise
        except Exception as error:  # noqa: BLE001 - a bug must not take the others' work down
            problem = problem_of(error)
            log.info("%s of task %s: %s", name, state.get("task"), problem["message"])
            return {"path": [name], "problem": problem}
        finally:
            job = team.desk.run_by(runner)
            if job is not None:
                job.runner = None
        return {**found, "path": [name]}

    return observed(team, name, run)


async def _give_back(team: Team, job: Job) -> None:
    team.desk.drop(job.attempt.task_id, job.attempt.fence)
    if job.lost:
        return
    try:
        await team.board.attempts.release(job.attempt)
    except NeveridleError as error:  # its lease will end by itself
        log.warning("task %s could not be returned: %s", job.attempt.task_id, error)


def problem_of(error: BaseException) -> Problem:
    """An error as it travels in the state; one that is not ours is a bug, shown as such."""
    from neveridle.tools.redact import redact

    if isinstance(error, NeveridleError):
        problem: Problem = {
            "code": error.code,
            "category": str(error.category),
            "message": redact(error.message),
            "remedy": redact(error.remedy),
        }
        if isinstance(error, ServiceError) or (isinstance(error, AccessRefused) and error.rejected):
            problem.update({"service": error.service} if error.service else {})
        shown = cast("Any", error).evidence if isinstance(error, Stuck | HandoffRefused) else None
        if isinstance(shown, dict):
            problem["evidence"] = cast("dict[str, Any]", shown)
        if isinstance(error, BudgetReached):
            problem.update({"scope": error.scope, "until": error.until})
        return problem
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" at {place[0].name}:{place[0].lineno}" if place else ""
    return {
        "code": "bug",
        "category": str(ErrorCategory.RECOVERABLE),
        "message": redact(f"{type(error).__name__}{where}: {error}"[:2000]),
        "remedy": "",
    }


def _lost(team: Team, state: TickState, name: str) -> TickState:
    team.desk.drop(state.get("task", 0), state.get("fence", 0))
    return {"path": [name], "problem": None, "ending": "lost"}
