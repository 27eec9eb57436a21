"""Improvement: without a model, under a cap, and never the same thing twice."""

from __future__ import annotations

from typing import Any

import pytest

from neveridle import Team
from neveridle.board import Source, TaskState

DAY = 86_400.0


@pytest.fixture
async def untidy(project: Any, hands: Any) -> Any:
    """A repository with six things to do in it; the clock is scripted."""
    text = "".join(f"x{n} = {n}  # TODO: tidy up number {n}\n" for n in range(6))
    project.commit({"old.py": text})
    project.use("improvement", enabled=True, finders=["todo"], daily_cap=2, threshold=0.0)
    await project.script(100 * DAY)

    async def tidy(assignment: Any) -> Any:
        name = f"done-{assignment.task.id}.txt"
        return await hands.leave({name: assignment.task.title})(assignment)

    hands.do("*", tidy)
    return project


async def proposed(team: Team) -> list[str]:
    return [task.title for task in await team.board.tasks.find(sources=[Source.IMPROVEMENT])]


async def test_a_day_has_its_cap_and_the_next_day_its_own(untidy: Any, hands: Any) -> None:
    async with untidy.team(worker=hands) as team:
        first = await team.run(until="idle")
        same_day = await team.run(until="idle")
        await team.board.clock.advance(DAY + 1)
        second = await team.run(until="idle")
        titles = await proposed(team)
    assert (first.endings, same_day.endings, second.endings) == (
        {"completed": 2},
        {},
        {"completed": 2},
    )
    assert len(set(titles)) == len(titles) == 4
    assert first.idle_model_calls == 0


async def test_what_was_done_or_rejected_is_not_proposed_again(untidy: Any, hands: Any) -> None:
    """Though the comments are still there: nobody removed them."""
    untidy.use("improvement", daily_cap=10)
    hands.do("*", hands.leave(status="blocked", summary="-", owner="human", action="look"))
    async with untidy.team(worker=hands) as team:
        await team.run(until="idle")
        tasks = await team.board.tasks.find()
        await team.board.tasks.cancel(tasks[0].id, reason="not worth it")
        for _ in range(3):
            await team.board.clock.advance(DAY + 1)
            untidy.commit({f"{await team.board.clock.now()}.txt": "another commit\n"})
            await team.run(until="idle")
        assert len(await proposed(team)) == len(tasks) == 6
        assert (await team.board.tasks.get(tasks[0].id)).state is TaskState.CANCELLED


async def test_nothing_of_enough_value_is_rest(untidy: Any, hands: Any) -> None:
    untidy.use("improvement", threshold=1.0)
    async with untidy.team(worker=hands) as team:
        report = await team.run(until="idle")
        looked = await team.board.events.find(kind="improvement.looked")
    assert (report.reason, report.attempts, hands.seen) == ("idle", [], [])
    assert len(looked) == 1
    assert untidy.clones == []


async def test_a_commit_is_looked_at_once_by_the_whole_team(untidy: Any, hands: Any) -> None:
    untidy.soul("leo")
    untidy.use("improvement", threshold=1.0)
    async with untidy.team(worker=hands) as one, untidy.team(worker=hands) as other:
        for team in (one, other, one, other):
            await team.run(until="idle")
        assert len(await one.board.events.find(kind="improvement.looked")) == 1
        untidy.commit({"new.txt": "new\n"})
        for team in (one, other):
            await team.run(until="idle")
        assert len(await one.board.events.find(kind="improvement.looked")) == 2


async def test_looking_that_fails_is_told_and_not_repeated_at_every_tick(
    untidy: Any, hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise OSError("no more processes")

    async with untidy.team(worker=hands) as team:
        create = team.workspaces.create
        monkeypatch.setattr(team.workspaces, "create", broken)
        for _ in range(3):
            report = await team.run(until="idle")
            assert report.reason == "idle"
        assert len(await team.board.events.find(kind="team.problem")) == 1
        monkeypatch.setattr(team.workspaces, "create", create)
        assert (await team.run(until="idle")).attempts == []
        await team.board.clock.advance(601)
        assert (await team.run(until="idle")).endings == {"completed": 2}


async def test_what_a_dead_process_was_looking_at_is_cleared_away(untidy: Any, hands: Any) -> None:
    untidy.use("improvement", enabled=False)
    async with untidy.team(worker=hands) as team:
        await team.workspaces.create("look-4711-dead", branch="neveridle/look")
    async with untidy.team(worker=hands):
        assert untidy.clones == []


async def test_another_rungs_task_comes_before_the_next_improvement(
    untidy: Any, hands: Any
) -> None:
    async with untidy.team(worker=hands) as team:
        await team.run(until="idle", ticks=1)
        await team.dispatch("sam", "Order", priority="low")
        report = await team.run(until="idle")
    assert [line.rung for line in report.attempts] == ["dispatch", "improvement"]
