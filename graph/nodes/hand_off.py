"""Hand the task to another agent, in one transaction with the end of this attempt."""

from __future__ import annotations

from typing import Any, cast

from neveridle.agents.handing import document_of
from neveridle.graph.nodes.clones import open_workspace
from neveridle.graph.nodes.reflect import close_job, draw_lesson, learnt
from neveridle.graph.state import TickState
from neveridle.graph.team import Team


async def hand_off(team: Team, state: TickState) -> TickState:
    """Publish the branch, so the receiver starts from it; then give the handoff."""
    job = team.desk.of(state)
    outcome = job.attempt.outcome or {}
    draft = cast("dict[str, Any]", outcome["handoff"])
    workspace = await open_workspace(team, job)
    branch, commit = "", ""
    # Who only passes on what was handed over to them passes on its commit, too.
    if job.attempt.commit != job.attempt.base or job.task.continues is not None:
        async with team.fencing.outside(job):
            await team.board.attempts.check(job.attempt)
            commit = await workspace.publish_branch()
        branch = workspace.branch
    evidence = job.attempt.evidence or {}
    document = document_of(
        outcome,
        changed=evidence.get("changed", []),
        checks=list(evidence.get("checks", {})),
        branch=branch,
        commit=commit,
    )
    learning = await draw_lesson(
        team,
        job,
        succeeded=True,
        what=document.summary,
        ended=f"It was handed over to {draft['to']}, who goes on with it.",
    )
    with team.desk.ending(job):
        await team.board.handoffs.give(
            job.attempt,
            to=str(draft["to"]),
            document=document,
            verified=bool(evidence.get("passed")),
            learning=learning,
        )
    learnt(team, job, learning)
    await close_job(team, job, keep=False)
    return {"ending": "handed_off"}
