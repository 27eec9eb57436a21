"""Park: give up the lease while an answer is awaited."""

from __future__ import annotations

from neveridle.graph.state import TickState
from neveridle.graph.team import Team


async def park(team: Team, state: TickState) -> TickState:
    """The task waits for a person; the agent takes other work meanwhile."""
    job = team.desk.of(state)
    questions = [str(question)[:1000] for question in job.notes.get("questions", [])]
    with team.desk.ending(job):
        await team.board.attempts.park(job.attempt, on="human")
    await team.board.messages.post(
        "dev", job.attempt.agent, f"Task {job.task.id} waits for an answer: {'; '.join(questions)}"
    )
    return {"ending": "parked"}
