"""Whom it wakes when something becomes runnable: one for each task, and nobody in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neveridle.board import NewTask, Source
from neveridle.board.runnable import Runnable
from neveridle.graph.usher import choose

MANY = 30


@pytest.fixture
async def crowd(project: Any, hands: Any) -> Any:
    """A team of thirty, at rest, and how often its agents looked and tried to claim."""
    for number in range(MANY):
        project.soul(f"agent{number}", skills=f"python, skill{number}")
    async with project.team(worker=hands) as team:
        team.claims = 0
        claim: Callable[..., Awaitable[Any]] = team.board.attempts.claim

        async def counted(**how: Any) -> Any:
            team.claims += 1
            return await claim(**how)

        team.board.attempts.claim = counted
        run = asyncio.create_task(team.run(until="forever"))
        await rested(team)
        yield team
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


async def rested(team: Any) -> None:
    """Until everybody rests, and nobody is about to be woken."""
    while len(team.usher.resting) < len(team.roster.names) or any(  # noqa: ASYNC110 - they tell nobody
        seen < team.wakeups.seen for seen in team.usher.resting.values()
    ):
        await asyncio.sleep(0.01)


async def completed(team: Any, number: int) -> None:
    while len(await team.board.events.find(kind="task.completed")) < number:  # noqa: ASYNC110 - on the board
        await asyncio.sleep(0.01)
    await rested(team)


async def test_one_task_wakes_one_agent(crowd: Any) -> None:
    woken = crowd.usher.woken
    await crowd.board.tasks.add(NewTask(source=Source.BACKLOG, title="For anybody"))
    crowd.wakeups.nudge()
    await completed(crowd, 1)
    assert (crowd.usher.woken - woken, crowd.claims) == (1, 1)


async def test_as_many_agents_as_tasks(crowd: Any) -> None:
    woken = crowd.usher.woken
    tasks = [
        NewTask(source=Source.BACKLOG, title=f"Task {n}", needs_change=False) for n in range(5)
    ]
    await crowd.board.tasks.add_all(tasks)
    crowd.wakeups.nudge()
    await completed(crowd, 5)
    assert crowd.usher.woken - woken <= 5  # who is done early may take what another was woken for
    assert crowd.claims <= 6


async def test_who_alone_can_do_it_is_woken(crowd: Any, hands: Any) -> None:
    woken = crowd.usher.woken
    add = crowd.board.tasks.add
    await add(NewTask(source=Source.BACKLOG, title="Skilled", skills=("skill7",)))
    await add(NewTask(source=Source.DISPATCH, title="Addressed", assignee="agent9"))
    await add(NewTask(source=Source.DISPATCH, title="For nobody", skills=("cobol",)))
    crowd.wakeups.nudge()
    await completed(crowd, 2)
    assert {one.agent.name for one in hands.seen} == {"agent7", "agent9"}
    assert crowd.usher.woken - woken == 2


async def test_what_somebody_was_woken_for_and_did_not_take_is_done_by_another(
    project: Any, hands: Any
) -> None:
    """The one who was woken is held up: the other, who can do it too, is woken after all."""
    project.soul("leo")
    async with project.team(worker=hands) as team:
        peek: Callable[..., Awaitable[Any]] = team.board.attempts.peek
        blind: list[str] = []

        async def sees_nothing(agent: str, skills: Any, source: Any) -> Any:
            if not blind and source is Source.DISPATCH and team.usher.woken:
                blind.append(agent)
            return None if agent in blind else await peek(agent, skills, source)

        team.board.attempts.peek = sees_nothing
        run = asyncio.create_task(team.run(until="forever"))
        await rested(team)
        await team.board.tasks.add(NewTask(source=Source.BACKLOG, title="For anybody"))
        team.wakeups.nudge()
        await completed(team, 1)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
    assert len(blind) == 1
    assert [one.agent.name for one in hands.seen] == [n for n in ("leo", "sam") if n not in blind]


async def test_who_takes_something_else_leaves_his_task_to_another_at_once(
    project: Any, hands: Any
) -> None:
    """Not only when he has done that: it may take him an hour."""
    project.soul("leo")
    other_is_done = asyncio.Event()

    async def long(assignment: Any) -> Any:
        await other_is_done.wait()
        return await hands.leave({"long.txt": "x"})(assignment)

    hands.do("Long", long)
    async with project.team(worker=hands) as team:
        peek: Callable[..., Awaitable[Any]] = team.board.attempts.peek
        led_astray: list[str] = []

        async def comes_between(agent: str, skills: Any, source: Any) -> Any:
            if team.usher.woken and not led_astray:
                led_astray.append(agent)
                await team.dispatch(agent, "Long")
            return await peek(agent, skills, source)

        team.board.attempts.peek = comes_between
        run = asyncio.create_task(team.run(until="forever"))
        await rested(team)
        await team.board.tasks.add(NewTask(source=Source.BACKLOG, title="For anybody"))
        team.wakeups.nudge()
        while not await team.board.events.find(kind="task.completed"):  # noqa: ASYNC110 - on the board
            await asyncio.sleep(0.01)
        other_is_done.set()
        await completed(team, 2)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
    assert {one.task.title: one.agent.name in led_astray for one in hands.seen} == {
        "Long": True,
        "For anybody": False,
    }


async def test_where_more_is_runnable_than_is_listed_everybody_looks(
    crowd: Any, hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neveridle.graph.usher.LISTED", 2)
    tasks = [
        NewTask(source=Source.BACKLOG, title=f"Nobody's {n}", skills=("cobol",)) for n in range(3)
    ]
    await crowd.board.tasks.add_all(tasks)
    await crowd.board.tasks.add(NewTask(source=Source.BACKLOG, title="Last", skills=("skill3",)))
    crowd.wakeups.nudge()
    await completed(crowd, 1)
    assert [one.agent.name for one in hands.seen] == ["agent3"]


WORDS = st.sampled_from(["a", "b", "c"])
AGENTS = st.dictionaries(st.sampled_from(["sam", "leo", "max", "kim"]), st.sets(WORDS).map(tuple))
TASKS = st.lists(
    st.tuples(st.sampled_from([None, "sam", "leo", "max", "kim"]), st.frozensets(WORDS)),
    max_size=8,
)


@settings(deadline=None)
@given(agents=AGENTS, tasks=TASKS)
def test_each_task_that_somebody_free_can_do_has_somebody(
    agents: dict[str, tuple[str, ...]], tasks: list[tuple[str | None, frozenset[str]]]
) -> None:
    listed = [Runnable(number, "backlog", who, what) for number, (who, what) in enumerate(tasks)]
    chosen = choose(listed, agents)
    by_id = {task.id: task for task in listed}
    assert len(set(chosen.values())) == len(chosen)
    assert all(by_id[task].suits(name, agents[name]) for name, task in chosen.items())
    left = [task for task in listed if task.id not in chosen.values()]
    free = {name: skills for name, skills in agents.items() if name not in chosen}
    assert not any(task.suits(name, skills) for task in left for name, skills in free.items())
