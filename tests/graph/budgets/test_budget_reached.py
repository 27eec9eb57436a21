"""A budget that is reached ends no work: it waits, and goes on where it was."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from neveridle.board import NewTask, Source, TaskState
from neveridle.board.inbox_item import ItemKind
from neveridle.board.task_budget import raise_budget
from neveridle.errors import StateConflict


async def test_a_day_that_is_used_up_stops_all_and_the_next_goes_on_where_they_were(
    paid: Any, running: Any
) -> None:
    paid.project.soul("leo")
    paid.runs_away("A", "B")
    paid.caps(day={"tokens": 20_000}, timezone="America/New_York")
    start = datetime(2026, 6, 1, 20, tzinfo=UTC).timestamp()
    midnight = datetime(2026, 6, 2, 4, tzinfo=UTC).timestamp()
    await paid.project.script(start)
    async with paid.project.team() as team:
        tasks = [await team.dispatch("sam", "A"), await team.dispatch("leo", "B")]
        run = running(team)
        assert await run.waits() == midnight
        rows = await paid.rows(team.board)
        day, asked = rows["day", "2026-06-01"], len(paid.api.asked)
        assert (
            day["tokens"]
            == 1600 * asked
            == sum(rows[f"agent:{name}", "2026-06-01"]["tokens"] for name in ("sam", "leo"))
        )
        assert 20_000 - 2 * 5000 < day["tokens"] <= 20_000
        assert day["closed_at"] == start
        assert await paid.held(team.board) == (0, 0, 0)
        for task in tasks:
            now = await team.board.tasks.get(task.id)
            assert (now.state, now.failures) == (TaskState.PENDING, 0)
        paid.works("A", "B")
        await team.board.clock.advance(midnight - start - 1)
        await run.rests()
        assert len(paid.api.asked) == asked

        await team.board.clock.advance(2)
        await run.completes(*tasks)
        rows = await paid.rows(team.board)
        attempts = [one for task in tasks for one in await team.board.attempts.of(task.id)]
    assert rows["day", "2026-06-02"]["tokens"] == 1600 * (len(paid.api.asked) - asked)
    assert {one.number for one in attempts} == {1}  # the same attempt went on
    assert [str(m["role"]) for m in paid.api.asked[-1]["messages"]].count("tool") > 1


async def test_a_day_of_23_hours_ends_when_it_ends(paid_here: Any, running: Any) -> None:
    paid_here.runs_away("A")
    paid_here.caps(day={"tokens": 10_000}, timezone="Europe/Berlin")
    start = datetime(2026, 3, 28, 23, 30, tzinfo=UTC).timestamp()  # half past midnight there
    midnight = datetime(2026, 3, 29, 22, tzinfo=UTC).timestamp()
    await paid_here.project.script(start)
    async with paid_here.project.team() as team:
        task = await team.dispatch("sam", "A")
        run = running(team)
        assert await run.waits() == midnight
        paid_here.works("A")
        await team.board.clock.advance(midnight - start)
        await run.completes(task)
        rows = await paid_here.rows(team.board)
    assert {window for scope, window in rows if scope == "day"} == {"2026-03-29", "2026-03-30"}


async def test_an_agent_that_used_up_its_day_rests_and_another_takes_its_work(
    paid: Any, running: Any
) -> None:
    paid.project.soul("leo")
    paid.runs_away("A")
    paid.project.use("agents", leo={"budget": {"tokens": 12_000}}, sam={"paused": True})
    async with paid.project.team() as team:
        task = await team.board.tasks.add(NewTask(source=Source.BACKLOG, title="A"))
        run = running(team)
        await run.waits()
        assert team.allowances.away("leo")
        assert not team.allowances.away("sam")
        rows = await paid.rows(team.board)
        (closed,) = [one for one in rows.values() if one["closed_at"] is not None]
        assert (closed["scope"], closed["cap_tokens"]) == ("agent:leo", 12_000)
        await run.end()
    paid.project.use("agents", leo={"budget": {"tokens": 12_000}}, sam={"paused": False})
    paid.works("A")
    asked = len(paid.api.asked)
    async with paid.project.team() as team:  # a restart in the same window forgets nothing
        assert team.allowances.away("leo")
        assert any("agent:leo is used up" in one for one in team.notices)
        run = running(team)
        await run.completes(task)
        attempts = await team.board.attempts.of(task.id)
        calls = await team.board.events.find(kind="model.call", limit=1000)
    assert [one.agent for one in attempts] == ["leo", "sam"]
    assert {one.number for one in attempts} == {1}
    assert {one.agent for one in calls[-(len(paid.api.asked) - asked) :]} == {"sam"}


async def test_a_task_out_of_budget_is_blocked_for_a_person_who_raises_it(
    paid: Any, running: Any
) -> None:
    paid.runs_away("A")
    paid.works("B")
    paid.caps(task={"tokens": 12_000})
    async with paid.project.team() as team:
        task, other = await team.dispatch("sam", "A"), await team.dispatch("sam", "B")
        run = running(team)
        await run.completes(other)
        await run.rests()
        blocked = await team.board.tasks.get(task.id)
        assert (blocked.state, blocked.blocked_owner) == (TaskState.BLOCKED, "human")
        assert f"`neveridle budget raise {task.id} --tokens N`" in blocked.blocked_action
        assert blocked.failures == 0
        (item,) = await team.board.inbox.find()
        assert (item.kind, item.task) == (ItemKind.ALERT, task.id)
        assert f"neveridle budget raise {task.id}" in item.body
        spent = await team.purse.spent_on(blocked)
        assert spent is not None
        assert 12_000 - 5000 < spent.tokens <= 12_000
        assert await paid.held(team.board) == (0, 0, 0)

        with pytest.raises(StateConflict, match="tokens already"):
            await raise_budget(team.board.database, task.id, tokens=spent.tokens)
        paid.works("A")
        again = await raise_budget(team.board.database, task.id, tokens=100_000)
        assert again.state is TaskState.PENDING
        await run.completes(task)
        attempts = await team.board.attempts.of(task.id)
        assert [one.number for one in attempts] == [1, 1]
        assert await team.board.inbox.find() == []
    assert [str(m["role"]) for m in paid.api.asked[-1]["messages"]].count("tool") > 1


async def test_a_team_that_used_up_all_waits_for_a_person_and_says_so(paid: Any) -> None:
    paid.runs_away("A")
    paid.caps(team={"cost": 0.01})
    paid.project.settings["prices"] = {"openai:scripted": {"input": 0.5, "output": 1.0}}
    async with paid.project.team() as team:
        task = await team.dispatch("sam", "A")
        report = await team.run(until="idle")
        assert (report.reason, report.resumes_at, report.endings) == ("idle", None, {"released": 1})
        assert any("budgets.team" in problem["remedy"] for problem in report.problems)
        (item,) = await team.board.inbox.find()
        assert item.title == "The team has used up its budget"
        rows = await paid.rows(team.board)
        assert rows["team", ""]["nanos"] == 850_000 * len(paid.api.asked) <= 10_000_000
        assert report.cost == pytest.approx(0.00085 * len(paid.api.asked))
        assert report.unpriced_calls == 0
        asked = len(paid.api.asked)
        again = await team.run(until="idle")
        assert (again.model_calls, len(paid.api.asked)) == (0, asked)
    paid.caps(team={"cost": 1.0})
    paid.works("A")
    async with paid.project.team() as team:
        assert (await team.run(until="idle")).endings == {"completed": 1}
        assert (await team.board.tasks.get(task.id)).state is TaskState.COMPLETED


async def test_improvements_out_of_budget_are_left_alone_while_the_others_work(
    paid: Any, running: Any
) -> None:
    paid.runs_away("Tidy up")
    paid.works("Real work")
    paid.caps(improvement={"tokens": 12_000})
    async with paid.project.team() as team:
        tidy = await team.board.tasks.add(NewTask(source=Source.IMPROVEMENT, title="Tidy up"))
        run = running(team)
        await run.waits()
        assert team.allowances.improvement_closed
        assert not team.allowances.away("sam")
        asked = len(paid.api.asked)
        work = await team.dispatch("sam", "Real work")
        await run.completes(work)
        await run.waits()
        assert len(paid.api.asked) == asked + 2
        rows = await paid.rows(team.board)
        day = max(window for _, window in rows)
        assert rows["improvement", day]["tokens"] == 1600 * asked
        assert rows["day", day]["tokens"] == 1600 * (asked + 2)
        assert (await team.board.tasks.get(tidy.id)).state is TaskState.PENDING
        assert await paid.held(team.board) == (0, 0, 0)


@pytest.mark.parametrize("cap", [{"tokens": 0}, {"cost": 0.0}])
async def test_an_improvement_budget_of_nothing_is_improvement_mode_off(
    paid_here: Any, cap: dict[str, float]
) -> None:
    paid_here.project.commit({"late.py": "# TODO: make this quicker before the release\n"})
    paid_here.project.use("improvement", enabled=True, finders=["todo"], threshold=0.0)
    paid_here.caps(improvement=cap)
    async with paid_here.project.team() as team:
        assert (await team.run(until="idle")).model_calls == 0
        assert await team.board.events.find(kind="improvement.looked") == []
        assert await team.board.tasks.find() == []
    assert paid_here.api.asked == []
    paid_here.caps(improvement={})
    async with paid_here.project.team() as team:
        await team.run(until="idle", ticks=1)
        assert await team.board.events.find(kind="improvement.looked") != []


async def test_a_closed_budget_does_not_make_agents_go_round(paid_here: Any, running: Any) -> None:
    for name in ("leo", "mia"):
        paid_here.project.soul(name)
    paid_here.runs_away("A", "B", "C", "D")
    paid_here.caps(day={"tokens": 15_000})
    async with paid_here.project.team() as team:
        for title in "ABCD":
            await team.board.tasks.add(NewTask(source=Source.BACKLOG, title=title))
        run = running(team)
        await run.waits()
        claimed = len(await team.board.events.find(kind="task.claimed", limit=1000))
        woken, asked = team.usher.woken, len(paid_here.api.asked)
        for _ in range(20):  # whatever happens on the board, there is nothing for anybody
            await team.board.tasks.add(NewTask(source=Source.BACKLOG, title="D"))
            await asyncio.sleep(0.05)
        await run.waits()
        later = len(await team.board.events.find(kind="task.claimed", limit=1000))
    assert claimed <= 6
    assert (later, team.usher.woken, len(paid_here.api.asked)) == (claimed, woken, asked)


async def test_what_is_handed_over_counts_where_it_began(paid: Any, running: Any) -> None:
    paid.project.soul("leo")
    outcome = paid.api.outcome(status="handed_off", handoff={"to": "leo", "action": "go on"})
    paid.works("Continue: go on")
    paid.api.says("A", paid.api.tool("write_file", path="a.txt", content="a\n"), outcome)
    async with paid.project.team() as team:
        first = await team.dispatch("sam", "A")
        run = running(team)
        await run.completes(first)
        (second,) = [one for one in await team.board.tasks.find() if one.continues == first.id]
        calls = await team.board.events.find(kind="model.call")
        assert {one.agent for one in calls} == {"sam", "leo"}
        rows = await paid.rows(team.board)
        assert {s for s, _ in rows if s.startswith("task:")} == {f"task:{first.id}"}
        found = await team.purse.spent_on(second)
        assert found == await team.purse.spent_on(first)
        assert found.tokens == 1600 * len(paid.api.asked)
