"""Work on the task, in a clone of its own and on a durable thread of its own."""

from __future__ import annotations

from neveridle.agents.asking import ask_of
from neveridle.agents.outcome import checked_outcome
from neveridle.agents.worker import Assignment, Interrupted
from neveridle.board import Attempt, AttemptState, Phase
from neveridle.errors import NeveridleError
from neveridle.graph.delivery.rounds import ROUND, begin_round
from neveridle.graph.gates import approvals_for
from neveridle.graph.nodes.clones import begin_workspace
from neveridle.graph.nodes.remembering import end_notes, remembered_for
from neveridle.graph.nodes.roadmap_mark import mark_roadmap
from neveridle.graph.state import TickState
from neveridle.graph.team import Team
from neveridle.tools.effects import Performer
from neveridle.tools.telemetry import span


async def work(team: Team, state: TickState) -> TickState:
    """Run the worker until there is an outcome; commit what it left; note both durably."""
    job = team.desk.of(state)
    history = await team.board.attempts.of(job.task.id)
    failed = last_failed(job.attempt, history)
    handoff = None if job.task.handoff is None else await team.board.handoffs.get(job.task.handoff)
    workspace = await begin_workspace(team, job, history, handoff=handoff, failed=failed)
    feedback = await begin_round(team, job, workspace)
    memory = await remembered_for(team, job, history, workspace)
    if not feedback:
        await mark_roadmap(team, job, workspace, "in_progress")
    performer = Performer(team.board, job.attempt, lambda: team.fencing.outside(job))
    assignment = Assignment(
        task=job.task,
        attempt=job.attempt,
        agent=team.roster.get(job.attempt.agent),
        handoff=handoff,
        failed=None if failed is not None and failed.error_code == ROUND else failed,
        feedback=feedback,
        lessons=memory.lessons,
        memory=memory.section,
        notebook=memory.notebook,
        checks=await team.checks.at(job.attempt.base),
        tools=[
            *team.tools_for(workspace),
            *memory.tools,
            *team.service_tools(performer),
            *await team.mcp.tools(job.attempt.agent, tell=team.note_error),
        ],
        tree=workspace.tree,
        released=job.released,
        effects=performer,
        answers=await team.board.answering.answers(job.task.id) if job.attempt.fence > 1 else (),
        approvals=approvals_for(team, job.attempt.agent),
    )
    invoked = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": job.attempt.agent}
    try:
        with span(f"invoke_agent {job.attempt.agent}", invoked):
            answer = await team.worker.work(assignment)
    except Interrupted as asked:
        await end_notes(memory)
        job.notes["asks"] = [
            ask_of(*one) for one in zip(asked.questions, asked.interrupts, strict=True)
        ]
        return {"status": "interrupted"}
    except NeveridleError:
        await end_notes(memory)  # the next attempt goes on from them
        raise
    team.desk.of(state)  # the lease may have been lost meanwhile
    await end_notes(memory)
    # A worker may go on after a call whose answer was lost; the work is not done until it is known.
    async with team.fencing.outside(job):
        await team.board.effects.reconcile(job.attempt, team.verbs)
    sender = job.attempt.agent
    outcome = checked_outcome(answer, receivers=team.roster.receivers, sender=sender)
    how = {"author": sender, "email": team.email_of(sender)}
    if outcome["status"] in ("completed", "handed_off"):
        await workspace.commit(f"{job.task.title}\n\n{outcome['summary']}", **how)
        if outcome["status"] == "completed":
            await mark_roadmap(team, job, workspace, "done")
    else:
        await workspace.commit(f"{job.task.title} (unfinished)", **how)
    job.attempt = await team.board.attempts.record(
        job.attempt, phase=Phase.WORKED, outcome=dict(outcome), commit=await workspace.head()
    )
    return {"phase": str(Phase.WORKED), "status": outcome["status"]}


def last_failed(attempt: Attempt, history: list[Attempt]) -> Attempt | None:
    """The failed attempt that this one is to do better than, if any."""
    failed = [
        one
        for one in history
        if one.state is AttemptState.FAILED and one.number < attempt.number
    ]  # fmt: skip
    return failed[-1] if failed else None
