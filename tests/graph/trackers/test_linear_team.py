"""Many agents, one tracker: each ticket is taken once, and its budget is not touched."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from neveridle.board import TaskState
from neveridle.tools.linear.documents import POINTS_PER_HOUR
from neveridle.tools.standin.linear import LinearStandin

MAIN = "from neveridle.cli import main; main()"
LOOKS = 100
"""Requests an hour for looking, whatever the number of agents and processes: at what changed
(75 at most), and whether the service is well (24)."""
EACH = 6
"""Requests for a ticket that is worked on: look, take, look, start; look again, done."""


async def test_two_processes_take_each_ticket_once(
    tracked: Any, write_settings: Callable[[Any], None], linear: LinearStandin
) -> None:
    refs = [linear.store.add(f"Page {number}") for number in range(6)]
    for ref in refs:
        page = tracked.write(f"{ref}.txt", "words\n")
        tracked.says(f"linear:{ref}", page, tracked.done())
    write_settings(tracked)
    line = [sys.executable, "-P", "-c", MAIN, "run", "--until", "idle", "--json"]
    runs = [
        subprocess.Popen(  # noqa: ASYNC220 - nothing else runs in this loop meanwhile
            line, cwd=tracked.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    reports: list[Any] = []
    try:
        for run in runs:
            out, err = run.communicate(timeout=100)
            assert run.returncode == 0, err
            reports.append(json.loads(out))
    finally:
        for run in runs:
            with run:  # closes its pipes, and waits
                run.kill()

    async with tracked.board() as board:
        tasks = await board.tasks.find()
        effects = await board.effects.find()
    assert [one.state for one in tasks] == [TaskState.COMPLETED] * 6
    done = [one["title"] for report in reports for one in report["attempts"]]
    assert sorted(done) == [f"Page {number}" for number in range(6)]
    for ref in refs:
        issue = linear.store.find(ref)
        assert issue is not None
        assert (issue.assignee, issue.state) == ("Neveridle", "Done")
        assert sorted(one.verb for one in effects if one.target == ref) == [
            "set_state", "set_state", "take",
        ]  # fmt: skip
        assert len(issue.history) == 1
    assert linear.asked("NeveridleUpdate") == 3 * len(refs)


@pytest.mark.whole_in_chaos
async def test_an_hour_of_twenty_agents_stays_within_the_budget(
    tracked: Any, hands: Any, linear: LinearStandin
) -> None:
    for number in range(19):
        tracked.soul(f"agent{number}")
    for number in range(200):
        linear.store.add(f"Ada's {number}", assignee="Ada")
    start = 1_800_000_000.0
    await tracked.script(start)
    time = [start]
    linear.now = lambda: time[0]
    async with AsyncExitStack() as stack:
        teams = [await stack.enter_async_context(tracked.team(worker=hands)) for _ in range(3)]
        board = teams[0].board
        opening = linear.asked()
        for _ in range(3600 // 30):
            time[0] += 30
            await board.clock.advance(30)
            for team in teams:  # as the runner does while all rest
                if team.sources.glance(await board.clock.now()):
                    await team.sources.refresh()
        looks = linear.asked()
        for number in range(5):
            linear.store.add(f"Page {number}")
        time[0] += 75
        await board.clock.advance(75)
        report = await teams[0].run(until="idle")
        working = linear.asked() - looks
    points = sum(
        float(one.answer.headers["X-Complexity"])
        for one in linear.exchanges
        if one.answer is not None
    )
    assert opening <= 7  # who we are, once per process; 201 issues, once
    assert 45 <= looks - opening <= LOOKS
    assert report.endings == {"completed": 5}
    assert working <= 5 * EACH + 2 * len(teams)  # beside the work, each process may look twice
    assert points < POINTS_PER_HOUR / 2
