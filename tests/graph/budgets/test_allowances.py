"""Who looks first at what is free again is not the only one who is told."""

from __future__ import annotations

import asyncio
from typing import Any


async def test_an_opened_budget_is_told_once_also_where_another_looked_before(
    paid_here: Any,
) -> None:
    await paid_here.project.script(1_000_000.0)
    async with paid_here.project.team() as team:
        allowances = team.allowances
        allowances.pause("sam", 1_000_060.0)
        assert not await allowances.opened()
        await team.board.clock.advance(61)
        await allowances.look("leo")  # as before a claim of another agent
        assert not allowances.away("sam")
        assert await allowances.opened()
        assert not await allowances.opened()


async def test_where_only_a_person_can_help_nothing_is_said_to_resume(paid_here: Any) -> None:
    paid_here.caps(team={"tokens": 0}, agent={"tokens": 0})
    await paid_here.project.script(1_000_000.0)
    async with paid_here.project.team() as team:
        team.allowances.pause("sam", 1_000_060.0)
        assert team.allowances.resumes_at is None
        await team.dispatch("sam", "A")
        report = await team.run(until="idle", timeout=30)  # of time that stands still
    assert (report.reason, report.resumes_at) == ("idle", None)


async def test_nothing_is_waited_for_where_everybody_is_paused(paid_here: Any) -> None:
    paid_here.caps(agent={"tokens": 6_000})
    paid_here.runs_away("A")
    await paid_here.project.script(1_000_000.0)
    async with paid_here.project.team() as team:
        await team.dispatch("sam", "A")
        run = asyncio.create_task(team.run(until="idle"))
        async with asyncio.timeout(60):  # the window's end is far, and time stands still
            while not team.allowances.any_away:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
            await team.board.controls.set("*", "paused")
            report = await run
        assert report.reason == "paused"
