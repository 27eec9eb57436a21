"""Park: give up the lease while an answer is awaited."""

from __future__ import annotations

from collections.abc import Sequence

from neveridle.board.questions import Ask
from neveridle.board.storable import one_line
from neveridle.graph.desk import Job
from neveridle.graph.state import TickState
from neveridle.graph.team import Team


async def park(team: Team, state: TickState) -> TickState:
    """The task waits for people or peers; the agent takes other work meanwhile."""
    job = team.desk.of(state)
    return await park_for(team, job, job.notes.get("asks", []))


async def park_for(
    team: Team, job: Job, asks: Sequence[Ask], *, until: float | None = None
) -> TickState:
    """Ask, and give up the lease, in one transaction.

    Args:
        team: the team.
        job: the job.
        asks: what is asked.
        until: when to look again by itself, by the board's clock; None: when answered.
    """
    with team.desk.ending(job):
        items = await team.board.answering.park(job.attempt, asks, until=until)
    said = f"Task {job.task.id} waits for"
    if items:
        questions = "; ".join(one_line(item.title) for item in items)
        await team.board.messages.post("dev", job.attempt.agent, f"{said} an answer: {questions}")
    for ask in asks:
        if ask.peer:
            line = f"{said} @{ask.peer}: {one_line(ask.title)}"
            await team.board.messages.post("dev", job.attempt.agent, line)
    return {"ending": "parked", "problem": None}
