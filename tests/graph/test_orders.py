"""Pause, resume and drain: said on the board, by another process than the team's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from neveridle.board import NewTask, Source, TaskState
from neveridle.board.control import DRAINING, EVERYBODY, PAUSED


@pytest.fixture(params=["sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, project: Any) -> Any:
    """The project with two agents, on either database."""
    project.soul("leo")
    if request.param == "postgres":
        project.use("team", board=request.getfixturevalue("postgres_url"))
    return project


@pytest.fixture
async def elsewhere(shared: Any) -> AsyncGenerator[Any]:
    """The same board, as another process has it."""
    async with shared.board() as board:
        yield board


async def rested(team: Any, *names: str) -> None:
    """Until they rest, and have seen all there is."""
    async with asyncio.timeout(60):
        while True:
            version = await team.board.version()
            if all(team.usher.resting.get(name, -1) >= version for name in names):
                return
            await asyncio.sleep(0.01)


async def completed(board: Any, number: int) -> None:
    async with asyncio.timeout(60):
        while len(await board.events.find(kind="task.completed")) < number:  # noqa: ASYNC110 - another process's
            await asyncio.sleep(0.01)


async def test_who_is_paused_finishes_what_is_at_work_and_goes_on_when_resumed(
    shared: Any, hands: Any, reaches: Any, elsewhere: Any
) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def held(assignment: Any) -> Any:
        begun.set()
        await go.wait()
        return await hands.leave({"a.txt": "a\n"})(assignment)

    hands.do("First", held)
    async with shared.team(worker=hands) as team:
        await team.dispatch("sam", "First")
        second = await team.dispatch("sam", "Second")
        run = asyncio.create_task(team.run(until="forever"))
        await reaches(begun, run)
        await elsewhere.controls.set("sam", PAUSED)
        go.set()
        await completed(elsewhere, 1)
        await rested(team, "sam", "leo")
        woken, graph = team.usher.woken, team.graph
        ticks: list[str] = []
        tick = graph.ainvoke

        async def counted(state: Any, config: Any) -> Any:
            ticks.append(state["agent"])
            return await tick(state, config)

        graph.ainvoke = counted
        await elsewhere.tasks.add(NewTask(source=Source.BACKLOG, title="For leo"))
        await completed(elsewhere, 2)
        await rested(team, "sam", "leo")
        assert (await elsewhere.tasks.get(second.id)).state is TaskState.PENDING
        assert team.usher.woken == woken + 1  # leo: the paused is not woken for nothing
        assert set(ticks) == {"leo"}
        assert len(ticks) <= 3
        await elsewhere.controls.clear("sam")
        await completed(elsewhere, 3)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
    assert [one.agent.name for one in hands.seen] == ["sam", "leo", "sam"]


async def test_who_is_drained_leaves_and_the_others_go_on(
    shared: Any, hands: Any, reaches: Any, elsewhere: Any
) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def held(assignment: Any) -> Any:
        begun.set()
        await go.wait()
        return await hands.leave({"a.txt": "a\n"})(assignment)

    hands.do("Held", held)
    async with shared.team(worker=hands) as team:
        await team.dispatch("leo", "Held")
        run = asyncio.create_task(team.run(until="idle"))
        await reaches(begun, run)
        await rested(team, "sam")
        await elsewhere.controls.set("sam", DRAINING)
        async with asyncio.timeout(60):
            while "sam" in team.usher.resting:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        mine = await elsewhere.tasks.add(
            NewTask(source=Source.DISPATCH, title="For sam", assignee="sam")
        )
        await elsewhere.tasks.add(NewTask(source=Source.BACKLOG, title="For anybody"))
        go.set()
        async with asyncio.timeout(60):
            report = await run  # whoever has left is not waited for
        assert (await elsewhere.tasks.get(mine.id)).state is TaskState.PENDING
        assert (report.reason, report.endings) == ("idle", {"completed": 2})
        again = await team.run(until="idle")
    assert again.endings == {"completed": 1}  # it was said to the run before
    assert [one.agent.name for one in hands.seen] == ["leo", "leo", "sam"]


async def test_a_drain_of_everybody_ends_the_run_and_no_later_one(
    shared: Any, hands: Any, elsewhere: Any
) -> None:
    async with shared.team(worker=hands) as team:
        run = asyncio.create_task(team.run(until="forever"))
        await rested(team, "sam", "leo")
        await elsewhere.controls.set(EVERYBODY, DRAINING)
        async with asyncio.timeout(60):
            report = await run
    assert report.reason == "drained"
    await elsewhere.tasks.add(NewTask(source=Source.BACKLOG, title="Later"))
    async with shared.team(worker=hands) as team:
        report = await team.run(until="idle")
    assert report.endings == {"completed": 1}
    assert await elsewhere.controls.all() == []


async def test_a_process_started_again_is_concerned_by_what_was_drained_since_the_first_began(
    shared: Any, hands: Any, elsewhere: Any
) -> None:
    began = await elsewhere.clock.now()
    await elsewhere.controls.set(EVERYBODY, DRAINING)
    await elsewhere.tasks.add(NewTask(source=Source.BACKLOG, title="Not begun"))
    async with shared.team(worker=hands) as team:
        async with asyncio.timeout(60):
            report = await team.run(until="forever", began=began)
    assert (report.reason, hands.seen) == ("drained", [])


async def test_a_pause_stays_over_restarts_and_a_run_until_idle_says_so(
    shared: Any, hands: Any, elsewhere: Any
) -> None:
    await elsewhere.tasks.add(NewTask(source=Source.BACKLOG, title="Waits"))
    await elsewhere.controls.set(EVERYBODY, PAUSED)
    for _ in range(2):
        async with shared.team(worker=hands) as team:
            report = await team.run(until="idle")
        assert (report.reason, hands.seen) == ("paused", [])
    await elsewhere.controls.resume(["leo"], among=["leo", "sam"])
    async with shared.team(worker=hands) as team:
        report = await team.run(until="idle")
    assert (report.reason, [one.agent.name for one in hands.seen]) == ("idle", ["leo"])


async def test_a_pause_that_comes_while_a_tick_looks_is_heeded_before_it_claims(
    shared: Any, hands: Any, elsewhere: Any
) -> None:
    async with shared.team(worker=hands) as team:
        peek = team.board.attempts.peek

        async def paused_meanwhile(*asked: Any) -> Any:
            found = await peek(*asked)
            await elsewhere.controls.set("sam", PAUSED)
            await team.orders.look(await team.wakeups.look())
            return found

        team.board.attempts.peek = paused_meanwhile
        await team.dispatch("sam", "Not begun")
        state = await team.graph.ainvoke({"agent": "sam"})
    assert state["path"][-2:] == ["claim", "rest"]
    assert hands.seen == []
