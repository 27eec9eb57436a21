"""Who looks first at what is free again is not the only one who is told."""

from __future__ import annotations

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
