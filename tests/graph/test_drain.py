"""A team that is asked to end finishes what it has, and begins nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from neveridle.board import TaskState


async def test_what_is_at_work_is_finished_and_nothing_new_begun(
    project: Any, hands: Any, reaches: Any
) -> None:
    project.soul("leo")
    begun, go = asyncio.Event(), asyncio.Event()

    async def held(assignment: Any) -> Any:
        begun.set()
        await go.wait()
        return await hands.leave({"a.txt": "a\n"})(assignment)

    hands.do("First", held)
    async with project.team(worker=hands) as team:
        first = await team.dispatch("sam", "First")
        second = await team.dispatch("sam", "Second")
        run = asyncio.create_task(team.run(until="forever"))
        await reaches(begun, run)
        while "leo" not in team.usher.resting:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        team.drain()
        while "leo" in team.usher.resting:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
        third = await team.dispatch("leo", "Third")
        assert not run.done()
        go.set()
        report = await run
        states = [(await team.board.tasks.get(one.id)).state for one in (first, second, third)]
        again = await team.run(until="idle")
    assert report.reason == "drained"
    assert report.endings == {"completed": 1}
    assert states == [TaskState.COMPLETED, TaskState.PENDING, TaskState.PENDING]
    assert (again.reason, again.ticks) == ("drained", 0)


async def test_a_team_that_rests_ends_at_once_and_can_be_opened_again(
    project: Any, hands: Any
) -> None:
    team = project.team(worker=hands)
    async with team:
        run = asyncio.create_task(team.run(until="forever"))
        while not team.usher.resting:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        team.drain()
        assert (await run).reason == "drained"
    async with team:
        await team.dispatch("sam", "Afterwards")
        assert (await team.run(until="idle")).endings == {"completed": 1}
