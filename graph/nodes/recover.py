"""Recover: classify what went wrong, and answer it by its category."""

from __future__ import annotations

from typing import Any

from neveridle.errors import (
    BudgetReached,
    CredentialsRejected,
    DiskFull,
    ErrorCategory,
    ExtraMissing,
    HandoffRefused,
    ModelNotConfigured,
    RecordingInvalid,
    SandboxMissing,
    ServiceUnavailable,
    StateCorrupted,
)
from neveridle.graph.desk import Job
from neveridle.graph.nodes.out_of_budget import out_of_budget
from neveridle.graph.nodes.reflect import draw_lesson, learnt
from neveridle.graph.nodes.unreadable import corrupted_clone, give_up_unreadable
from neveridle.graph.nodes.work import last_failed
from neveridle.graph.providers import sharing_model
from neveridle.graph.state import Problem, TickState
from neveridle.graph.team import Team

FIRST_RETRY = 5.0
LONGEST_RETRY = 600.0
ROUNDS = 2
"""How often one attempt may come here: a second time when noting the first failed."""
PATIENCE = 8
"""Waits for a service's sake, in one attempt, before a person is asked."""
MODEL = {
    kind.code for kind in (CredentialsRejected, ExtraMissing, ModelNotConfigured, RecordingInvalid)
}
"""What is wrong with a model: all agents who use it would meet it."""
PERSON = "human"
"""The owner of a blocked task who is no agent; called by an alert."""
STOPPING = {*MODEL, DiskFull.code, SandboxMissing.code}
"""What is wrong with the machine, not with the task: the next task would meet it, too."""


async def recover(team: Team, state: TickState) -> TickState:
    """Wait and resume, route around, fail and try anew, block with an owner, or stop the agent."""
    job = team.desk.of(state)
    problem = state.get("problem")
    rounds = job.notes["recoveries"] = job.notes.get("recoveries", 0) + 1
    if problem is not None and rounds > ROUNDS:
        return {"problem": problem}
    # Who was stopped and wakes up finds its clone gone, say: that is nobody's problem.
    await team.board.attempts.check(job.attempt)
    outcome = job.attempt.outcome or {}
    if problem is None and outcome.get("status") == "blocked":
        owner, action = str(outcome["owner"]).strip(), str(outcome["action"])
        what = f"{outcome['summary']}\nAsked of {owner}: {action}"
        lesson = await draw_lesson(
            team, job, succeeded=False, what=what, ended="It waits until somebody else has acted."
        )
        return await _blocked(team, job, owner, action, lesson)
    if problem is None:
        problem = Problem(
            code="outcome-failed",
            category=str(ErrorCategory.RECOVERABLE),
            message=str(outcome.get("summary") or "The attempt ended without an outcome."),
            remedy="",
        )
    if problem["code"] == BudgetReached.code:
        ending, action = await out_of_budget(team, job, problem)
        if ending == "blocked":
            return await _blocked(team, job, "human", action)
        return {"ending": ending, "problem": None}
    category = ErrorCategory(problem["category"])
    problem = await corrupted_clone(job, problem) or problem
    if problem["code"] == StateCorrupted.code:
        return await give_up_unreadable(team, job, problem)
    if category is ErrorCategory.FATAL or problem["code"] in STOPPING:
        return await _stopped(team, job, problem)
    if await _routed(team, job, problem):
        return {"ending": "released", "problem": None}
    if category is ErrorCategory.BLOCKING and problem["code"] != ServiceUnavailable.code:
        await team.note_problem(problem, where="recover")
        action = f"{problem['message']} {problem['remedy']}".strip()
        return await _blocked(team, job, PERSON, action)
    if category in (ErrorCategory.TRANSIENT, ErrorCategory.BLOCKING):
        return await _waiting(team, job, problem)
    if problem["code"] == HandoffRefused.code and await _told_before(team, job):
        action = (
            f"{problem['message']} Say who does what, then `neveridle tasks retry {job.task.id}`"
        )
        return await _blocked(team, job, "human", action, circles=problem.get("evidence"))
    job.notes["failure"] = problem
    return {"problem": None}


async def _told_before(team: Team, job: Job) -> bool:
    """Whether the attempt before this one ended because it could not hand over."""
    if not (await team.board.tasks.get(job.task.id)).failures:
        return False
    failed = last_failed(job.attempt, await team.board.attempts.of(job.task.id))
    return failed is not None and failed.error_code == HandoffRefused.code


async def _routed(team: Team, job: Job, problem: Problem) -> bool:
    """Return the task until the service that failed can be used; False: it can be used now.

    A task does not learn to need a model's provider: agents with other models can do it.
    """
    service = problem.get("service", "")
    if not service:
        return False
    provider = team.providers.knows(service)
    job.ending = True  # for the heartbeat; see ``Desk.ending``
    try:
        away = await team.board.attempts.await_service(
            job.attempt, service, problem["message"], learn=not provider
        )
    finally:
        job.ending = False
    if away:
        team.desk.drop(job.attempt.task_id, job.attempt.fence)
        if provider:
            await team.providers.look()
    return away


async def _blocked(
    team: Team,
    job: Job,
    owner: str,
    action: str,
    lesson: dict[str, Any] | None = None,
    *,
    circles: dict[str, Any] | None = None,
) -> TickState:
    """Somebody must act first; the conversation is kept, for it goes on after that."""
    with team.desk.ending(job):
        await team.board.attempts.block(
            job.attempt, owner=owner, action=action, learning=lesson, circles=circles
        )
    learnt(team, job, lesson)
    if owner == PERSON:
        await team.alert.keep()
        return {"ending": "blocked", "problem": None}
    await team.board.messages.post(
        "dev", job.attempt.agent, f"Task {job.task.id} is blocked: @{owner}, please {action}"
    )
    return {"ending": "blocked", "problem": None}


async def _stopped(team: Team, job: Job, problem: Problem) -> TickState:
    """Return the task, and stop the agent with all others that would meet the same."""
    with team.desk.ending(job):
        await team.board.attempts.release(job.attempt)
    agent = job.attempt.agent
    others = sharing_model(team, agent) if problem["code"] in MODEL else []
    for name in (agent, *others):
        await team.stop_agent(name, problem)
    return {"ending": "released", "problem": None}


async def _waiting(team: Team, job: Job, problem: Problem) -> TickState:
    """Wait for a service, longer each time; then go on where the attempt stands."""
    history = await team.board.attempts.of(job.task.id)
    number = job.attempt.number
    ours = {one.fence for one in history if one.number == number}
    said = await team.board.events.find(kind="attempt.waits", task=job.task.id)
    waits = sum(event.fence in ours for event in said)  # it also parks for people, and reviews
    if waits >= PATIENCE:
        job.notes["failure"] = problem
        job.notes["limit"] = 1
        return {"problem": None}
    seconds = min(FIRST_RETRY * 2**waits, LONGEST_RETRY)
    await team.board.events.append(
        "attempt.waits", {**problem, "seconds": seconds}, agent=job.attempt.agent,
        run=job.attempt.run, task=job.task.id, fence=job.attempt.fence,
    )  # fmt: skip
    until = await team.board.clock.now() + seconds
    with team.desk.ending(job):
        await team.board.attempts.park(job.attempt, on="retry", until=until)
    return {"ending": "parked", "problem": None}
