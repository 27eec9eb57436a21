"""What was done outside while nobody here worked on it is not done again."""

from __future__ import annotations

from typing import Any

import pytest

from neveridle.board import AttemptState, Phase, Source, TaskState
from neveridle.errors import ServiceError

OPEN = "# Roadmap\n\n- [ ] Add a page\n"
DONE = OPEN.replace("[ ]", "[x]")


async def begun(team: Any, *, phase: Phase = Phase.CLAIMED) -> Any:
    """Sam's attempt at the item, as a process that died left it."""
    await team.sources.refresh()
    run = await team.board.runs.start("sam", role="backend", skills=["python"])
    won = await team.board.attempts.claim(
        agent="sam", run=run, skills=["python"], source=Source.ROADMAP, lease=60
    )
    assert won is not None
    return await team.board.attempts.record(won.attempt, phase=phase)


async def ticked_off(project: Any, team: Any) -> None:
    """Somebody else does it, and says so."""
    project.commit({"ROADMAP.md": DONE})
    team.sources.stale = True
    await team.sources.refresh()


@pytest.mark.parametrize("found", ["dead", "parked", "waiting for a service", "pending"])
async def test_an_item_ticked_off_meanwhile_costs_no_model_call(
    project: Any, hands: Any, found: str
) -> None:
    project.commit({"ROADMAP.md": OPEN})
    await project.script()
    async with project.team(worker=hands) as team:
        attempt = await begun(team)
        if found == "parked":
            await team.board.attempts.park(attempt, on="human")
        elif found == "waiting for a service":
            await team.board.attempts.park(attempt, on="retry", until=1_000_010.0)
        elif found == "pending":
            await team.board.attempts.release(attempt)
        await ticked_off(project, team)
        await team.board.clock.advance(1000)
        await team.keeper.sweep()
        report = await team.run(until="idle")
        task = await team.board.tasks.get(attempt.task_id)
        history = await team.board.attempts.of(task.id)

        assert (task.state, report.attempts, hands.seen) == (TaskState.CANCELLED, [], [])
        ends = {"dead": AttemptState.EXPIRED, "pending": AttemptState.RELEASED}
        assert history[0].state is ends.get(found, AttemptState.PARKED)
        (event,) = await team.board.events.find(kind="task.cancelled")
        assert event.data["reason"] == "no longer open in roadmap"

        # It is open again: somebody had ticked off the wrong one.
        project.commit({"ROADMAP.md": OPEN})
        team.sources.stale = True
        report = await team.run(until="idle")
    assert report.endings == {"completed": 1}
    assert project.clones == []


async def test_work_that_was_verified_may_be_what_closed_it_and_is_finished(
    project: Any, hands: Any
) -> None:
    project.commit({"ROADMAP.md": OPEN})
    await project.script()
    async with project.team(worker=hands) as team:
        attempt = await begun(team, phase=Phase.DELIVERED)
        await ticked_off(project, team)
        await team.board.clock.advance(1000)
        await team.keeper.sweep()
        report = await team.run(until="idle")
        state = (await team.board.tasks.get(attempt.task_id)).state
    assert (report.endings, state, hands.seen) == ({"completed": 1}, TaskState.COMPLETED, [])


async def test_a_handoff_of_what_was_done_meanwhile_is_withdrawn_with_it(
    project: Any, hands: Any
) -> None:
    project.soul("leo")
    project.commit({"ROADMAP.md": OPEN})
    give = {"status": "handed_off", "handoff": {"to": "leo", "action": "finish it"}}
    hands.do("Add a page", hands.leave({"half.txt": "x\n"}, **give))
    hands.do("*", hands.fail(ServiceError("Down.")))
    await project.script()
    async with project.team(worker=hands) as team:
        await team.run(until="idle", ticks=1, agents=["sam"])  # leo cannot hand over to itself
        await team.run(until="idle", ticks=1, agents=["leo"])
        asked = len(hands.seen)
        await ticked_off(project, team)
        await team.board.clock.advance(1000)
        await team.keeper.sweep()
        await team.run(until="idle")
        states = [one.state for one in await team.board.tasks.find()]
    assert asked == 2
    assert len(hands.seen) == 2
    assert states == [TaskState.CANCELLED] * 2
