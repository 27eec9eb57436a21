"""Recover: classify what went wrong, and answer it by its category."""

from __future__ import annotations

from neveridle.board.attempt import AttemptState
from neveridle.errors import ErrorCategory
from neveridle.graph.nodes.reflect import close_job
from neveridle.graph.state import Problem, TickState
from neveridle.graph.team import Team

FIRST_RETRY = 5.0
LONGEST_RETRY = 600.0
ROUNDS = 2
"""How often one attempt may come here: a second time when noting the first failed."""
PATIENCE = 8
"""Retries for a service's sake before a person is asked."""


async def recover(team: Team, state: TickState) -> TickState:
    """Retry later, fail and try anew, block with an owner, or stop the agent."""
    job = team.desk.get(state["task"], state["fence"])
    problem = state.get("problem")
    rounds = job.notes["recoveries"] = job.notes.get("recoveries", 0) + 1
    if problem is not None and rounds > ROUNDS:
        return {"problem": problem}
    outcome = job.attempt.outcome or {}
    if problem is None and outcome.get("status") == "blocked":
        owner = str(outcome.get("owner", "human")).strip()
        await team.board.attempts.block(job.attempt, owner=owner, action=str(outcome["action"]))
        await team.board.messages.post(
            "dev", job.attempt.agent,
            f"Task {job.task.id} is blocked: @{owner}, please {outcome['action']}",
        )  # fmt: skip
        await close_job(team, job, keep=True)
        return {"ending": "blocked", "problem": None}
    if problem is None:
        problem = Problem(
            code="outcome-failed",
            category=str(ErrorCategory.RECOVERABLE),
            message=str(outcome.get("summary") or "The attempt ended without an outcome."),
            remedy="",
        )
    if problem["category"] == str(ErrorCategory.BLOCKING):
        action = f"{problem['message']} {problem['remedy']}".strip()
        await team.board.attempts.block(job.attempt, owner="human", action=action)
        await team.note_problem(problem, where="recover")
        await close_job(team, job, keep=True)
        return {"ending": "blocked", "problem": None}
    if problem["category"] == str(ErrorCategory.FATAL):
        await team.board.attempts.release(job.attempt)
        await team.stop_agent(job.attempt.agent, problem)
        team.desk.drop(job.attempt.task_id, job.attempt.fence)
        return {"ending": "released", "problem": None}
    job.notes["failure"] = problem
    if problem["category"] == str(ErrorCategory.TRANSIENT):
        attempts = await team.board.attempts.of(job.task.id)
        tries = sum(one.state is AttemptState.FAILED for one in attempts)
        if tries < PATIENCE:
            job.notes["retry_in"] = min(FIRST_RETRY * 2**tries, LONGEST_RETRY)
    return {"problem": None}
