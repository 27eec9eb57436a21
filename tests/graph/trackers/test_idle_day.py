"""A day with nothing to do, every rung configured: it costs nothing, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from neveridle.board.schema import metadata
from neveridle.tools.standin.linear import LinearStandin

DAY = 86_400
STEP = 900
"""Seconds by the scripted clock between two moments at which the team looks around."""
AGENTS = 10
POLL = 900.0
START = 1_800_000_000.0
ALLOWED = {
    "improvement.looked": 2,  # once a day, and a day may begin
    "service.calls": DAY // 600 + 2,
}
"""Events that an idle day may leave, and how many of each."""


def rows(c: Connection) -> dict[str, int]:
    """How many rows each table holds."""
    return {
        name: int(c.execute(select(func.count()).select_from(table)).scalar_one())
        for name, table in metadata.tables.items()
    }


def checkpoints(home: Path) -> list[tuple[str, int]]:
    """The files of checkpoints, and their sizes."""
    return sorted((path.name, path.stat().st_size) for path in home.glob("checkpoints*"))


@pytest.fixture
def whole(tracked: Any, api: Any) -> Any:
    """Ten agents, with everything configured that could find something to do."""
    for number in range(AGENTS - 1):
        tracked.soul(f"agent{number}")
    tracked.commit({"ROADMAP.md": "# Roadmap\n\n- [x] Done\n- [ ] A person's (@person)\n"})
    api.use(tracked)
    tracked.use("tracker", poll=POLL)
    tracked.use("improvement", enabled=True, lint="true",
                finders=["failing-tests", "linter", "todo", "stale-branches"])  # fmt: skip
    tracked.use("memory", enabled=True)
    tracked.use("budgets", day={"cost": 20.0}, agent={"tokens": 1_000_000})
    tracked.use("escalation", alert_command="false")
    return tracked


@pytest.mark.parametrize(
    "improvement",
    ["on", pytest.param("off by budget", marks=pytest.mark.whole_in_chaos)],
)
async def test_a_day_without_work_costs_nothing_whatever_is_configured(
    whole: Any,
    linear: LinearStandin,
    api: Any,
    improvement: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("neveridle.graph.runner.GLANCE", 0.01)
    monkeypatch.setattr("neveridle.graph.wakeups.POLL", 0.01)
    if improvement != "on":
        whole.use("budgets", improvement={"tokens": 0})
    linear.store.add("Ada's", assignee="Ada")
    await whole.script(START)
    now = [START]
    linear.now = lambda: now[0]
    async with whole.team() as team:
        beats = glances = 0
        beat: Callable[[], Awaitable[None]] = team.keeper.beat
        glance: Callable[[float], bool] = team.sources.glance

        async def counted() -> None:
            nonlocal beats
            await beat()
            beats += 1

        def glanced(at: float) -> bool:
            nonlocal glances
            glances += 1
            return glance(at)

        async def settled() -> None:
            """Until the keeper has beaten, and the runner has looked around, at this moment."""
            seen = beats, glances
            async with asyncio.timeout(60):
                while not (beats > seen[0] and glances > seen[1] + 1):  # noqa: ASYNC110 - they tell nobody
                    await asyncio.sleep(0.002)

        monkeypatch.setattr(team.keeper, "beat", counted)
        monkeypatch.setattr(team.sources, "glance", glanced)
        run = asyncio.create_task(team.run(until="forever"))
        async with asyncio.timeout(60):
            while len(team.usher.resting) < AGENTS:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)

        async def pass_time(seconds: int) -> None:
            for _ in range(seconds // STEP):
                now[0] += STEP
                await team.board.clock.advance(STEP)
                await settled()

        await pass_time(2 * STEP)  # what is done once, such as looking at all tickets, is done
        before = await team.board.database.read(rows)
        newest, files = await team.board.events.newest(), checkpoints(whole.home)
        asked, woken = linear.asked(), team.usher.woken
        await pass_time(DAY)
        after = await team.board.database.read(rows)
        events = Counter(one.kind for one in await team.board.events.find(after=newest))
        requests = Counter(linear.name(one) for one in linear.requests[asked:])
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        spent = [one for one in (await team.board.status())["tasks"] if one["source"] != "roadmap"]
        assert team.usher.woken == woken  # nobody is woken for nothing
        assert team.problems == []

    assert api.asked == []
    assert checkpoints(whole.home) == files == []
    assert spent == []
    grown = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert {kind: n for kind, n in events.items() if n > ALLOWED.get(kind, 0)} == {}
    assert set(grown) <= {"events"}, grown
    assert after["budgets"] == after["reservations"] == after["inbox"] == 0
    assert 0 < requests["NeveridleIssues"] <= DAY / POLL + 2 * DAY / 3600
    checkups = requests["NeveridleViewer"], requests["NeveridleTeams"]
    assert max(checkups) <= DAY / 300  # whether the service is well
    assert set(requests) <= {"NeveridleIssues", "NeveridleViewer", "NeveridleTeams"}
