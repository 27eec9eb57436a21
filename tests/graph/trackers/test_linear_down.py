"""While Linear cannot be used, what is ours goes on, and what is said to it waits its turn."""

from __future__ import annotations

from typing import Any

import pytest

from neveridle.board import EffectState, TaskState
from neveridle.board.breaker import BreakerState
from neveridle.tools.standin.http_fault import HttpFault
from neveridle.tools.standin.linear import LinearStandin


@pytest.fixture
def alone(tracked: Any, linear: LinearStandin) -> Any:
    """The project with a breaker that opens at the first failure."""
    tracked.use(
        "services",
        linear={"url": linear.url, "team": "AGT", "attempts": 1, "breaker_threshold": 1},
    )
    return tracked


async def look_again(team: Any) -> None:
    """Let the time of the next look come."""
    await team.board.clock.advance(100)
    team.sources.stale = True
    await team.sources.refresh()


async def test_ours_goes_on_while_it_is_down_and_its_effects_are_done_after(
    alone: Any, hands: Any, linear: LinearStandin
) -> None:
    ours = linear.store.add("Ours", assignee="Neveridle")
    free = linear.store.add("Free")
    await alone.script()
    async with alone.team(worker=hands) as team:
        await team.dispatch("sam", "Something else")
        linear.faults.append(HttpFault("status", status=502, times=100_000))
        linear.forget()
        await look_again(team)
        report = await team.run(until="idle", ticks=3)
        titles = sorted(line.title for line in report.attempts if line.ending == "completed")
        waiting = await team.board.deferred.waiting()
        state = (await team.board.breakers.get("linear")).state
        asked = linear.asked()

        assert titles == ["Ours", "Something else"]
        assert state is BreakerState.OPEN
        assert [(one.verb, one.request) for one in waiting] == [("set_state", {"state": "done"})]
        assert asked == 1  # nobody asks again before its time

        await team.board.clock.advance(20)
        assert await team.later.look() == 0
        linear.faults.clear()
        await team.board.clock.advance(60)
        assert await team.later.look() == 1
        assert await team.later.look() == 0  # it is done once
        issue = linear.store.find(ours)
        assert issue is not None
        assert issue.state == "Done"

        team.sources.stale = True
        report = await team.run(until="idle", ticks=1)
        effects = await team.board.effects.find()
    assert [line.title for line in report.attempts] == ["Free"]
    taken = linear.store.find(free)
    assert taken is not None
    assert (taken.assignee, taken.state) == ("Neveridle", "Done")
    states = [one.state for one in effects if one.target == ours]
    assert states == [EffectState.SUPERSEDED, EffectState.DONE]
    assert linear.asked("NeveridleUpdate") == 1 + 3


async def test_an_answer_that_was_lost_is_not_waited_for_either(
    alone: Any, hands: Any, linear: LinearStandin
) -> None:
    ref = linear.store.add("Ours", assignee="Neveridle", state="In Progress")
    await alone.script()
    async with alone.team(worker=hands) as team:
        linear.faults.append(HttpFault("cut", on="NeveridleUpdate", done=True))
        report = await team.run(until="idle", ticks=1)
        assert report.endings == {"completed": 1}
        await team.board.clock.advance(60)
        await team.later.look()
        (effect,) = await team.board.effects.find()
    issue = linear.store.find(ref)
    assert issue is not None
    assert issue.state == "Done"
    assert (effect.state, effect.how) == (EffectState.DONE, "called")


async def test_rejected_credentials_hold_it_and_the_backlog_goes_on_from_the_mirror(
    alone: Any, hands: Any, linear: LinearStandin
) -> None:
    linear.store.add("Ours", assignee="Neveridle")
    linear.store.add("Free")
    await alone.script()
    async with alone.team(worker=hands) as team:
        linear.token = "another"
        linear.forget()
        for _ in range(3):
            await look_again(team)
            await team.run(until="idle", ticks=2)
            await team.later.look()
            await team.keeper.sweep()
        held = await team.board.breakers.get("linear")
        states = {one.title: one.state for one in await team.board.tasks.find()}
        waiting = await team.board.deferred.waiting()
        said = [one.content for one in await team.board.messages.latest("dev")]
    assert held.state is BreakerState.HELD
    assert linear.asked() == 1
    assert states == {"Ours": TaskState.COMPLETED, "Free": TaskState.PENDING}
    assert [one.request for one in waiting] == [{"state": "done"}]
    assert sum("services reset linear" in one for one in said) == 1
