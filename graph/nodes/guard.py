"""What every node that works on an attempt has in common: its errors go to ``recover``."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable

from neveridle.errors import ErrorCategory, LeaseLost, NeveridleError
from neveridle.graph.state import Problem, TickState
from neveridle.graph.team import Team

log = logging.getLogger(__name__)

Node = Callable[[Team, TickState], Awaitable[TickState]]


def named(team: Team, name: str, node: Node) -> Callable[[TickState], Awaitable[TickState]]:
    """The node, with its name on the path; its errors are the caller's."""

    async def run(state: TickState) -> TickState:
        return {**await node(team, state), "path": [name]}

    run.__name__ = name
    return run


def passed_over(team: Team, name: str, node: Node) -> Callable[[TickState], Awaitable[TickState]]:
    """A rung: where it cannot look, it is passed over, and the next one is looked at."""

    async def run(state: TickState) -> TickState:
        try:
            found = await node(team, state)
        except Exception as error:  # one broken rung must not stop the others
            await team.note_problem(problem_of(error), where=name)
            return {"path": [name]}
        return {**found, "path": [name]}

    run.__name__ = name
    return run


def guarded(team: Team, name: str, node: Node) -> Callable[[TickState], Awaitable[TickState]]:
    """The node, with its name on the path and its errors in the state.

    A lost lease ends the tick: nothing of it may be written any more. Cancellation
    passes through, unless it was the loss of the lease that caused it.
    """

    async def run(state: TickState) -> TickState:
        job = team.desk.find(state.get("task", 0), state.get("fence", 0))
        if job is not None:
            job.runner = asyncio.current_task()  # whom the keeper cancels with the lease
        try:
            found = await node(team, state)
        except LeaseLost:
            return _lost(team, state, name)
        except asyncio.CancelledError:
            if _lease_is_lost(team, state):
                task = asyncio.current_task()
                if task is not None:
                    task.uncancel()
                return _lost(team, state, name)
            raise
        except Exception as error:  # a bug must not take the other agents' work down
            log.info("%s of task %s: %s", name, state.get("task"), error)
            return {"path": [name], "problem": problem_of(error)}
        finally:
            if job is not None:
                job.runner = None
        return {**found, "path": [name]}

    run.__name__ = name
    return run


def problem_of(error: BaseException) -> Problem:
    """An error as it travels in the state; one that is not ours is a bug, shown as such."""
    from neveridle.tools.redact import redact

    if isinstance(error, NeveridleError):
        return {
            "code": error.code,
            "category": str(error.category),
            "message": redact(error.message),
            "remedy": redact(error.remedy),
        }
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" at {place[0].name}:{place[0].lineno}" if place else ""
    return {
        "code": "bug",
        "category": str(ErrorCategory.RECOVERABLE),
        "message": redact(f"{type(error).__name__}{where}: {error}"[:2000]),
        "remedy": "",
    }


def _lease_is_lost(team: Team, state: TickState) -> bool:
    job = team.desk.find(state.get("task", 0), state.get("fence", 0))
    return job is not None and job.lost


def _lost(team: Team, state: TickState, name: str) -> TickState:
    team.desk.drop(state.get("task", 0), state.get("fence", 0))
    return {"path": [name], "problem": None, "ending": "lost"}
