"""A budget that is reached ends no work: it waits, and goes on where it was."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from neveridle.board import TaskState


async def test_a_day_that_is_used_up_stops_all_and_the_next_goes_on_where_they_were(
    paid: Any, running: Any
) -> None:
    paid.project.soul("leo")
    paid.runs_away("A", "B")
    paid.caps(day={"tokens": 50_000}, timezone="America/New_York")
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
            == 4100 * asked
            == sum(rows[f"agent:{name}", "2026-06-01"]["tokens"] for name in ("sam", "leo"))
        )
        assert 50_000 - 2 * 8000 < day["tokens"] <= 50_000
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
        done = [TaskState.COMPLETED] * 2
        while [(await team.board.tasks.get(one.id)).state for one in tasks] != done:
            run.check()
            await asyncio.sleep(0.01)
        rows = await paid.rows(team.board)
        attempts = [one for task in tasks for one in await team.board.attempts.of(task.id)]
    assert rows["day", "2026-06-02"]["tokens"] == 4100 * (len(paid.api.asked) - asked)
    assert {one.number for one in attempts} == {1}  # the same attempt went on
    assert [str(m["role"]) for m in paid.api.asked[-1]["messages"]].count("tool") > 1
