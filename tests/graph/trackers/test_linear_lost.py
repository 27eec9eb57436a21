"""A ticket that a person took or closed is theirs, whenever that happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from neveridle.board import AttemptState, TaskState
from neveridle.tools.standin.linear import LinearStandin


def state_of(linear: LinearStandin, ref: str) -> tuple[str | None, str]:
    issue = linear.store.find(ref)
    assert issue is not None
    return issue.assignee, issue.state


@pytest.mark.parametrize("how", ["before we look", "before we write", "after we wrote"])
async def test_a_person_who_was_a_moment_earlier_keeps_the_ticket(
    tracked: Any, hands: Any, linear: LinearStandin, how: str
) -> None:
    ref = linear.store.add("Add a page")

    def ada_takes() -> None:
        linear.store.change(ref, assignee="Ada", state="In Progress")

    async with tracked.team(worker=hands) as team:
        if how == "before we look":
            ada_takes()
        elif how == "before we write":  # between our look and our write
            linear.meanwhile.append(("NeveridleLook", ada_takes))
        else:
            linear.meanwhile.append(("NeveridleUpdate", ada_takes))
        report = await team.run(until="idle", timeout=60)
        (task,) = await team.board.tasks.find()
        (event,) = await team.board.events.find(kind="ticket.taken")

        assert (report.endings, hands.seen, tracked.clones) == ({}, [], [])
        assert task.state is TaskState.CANCELLED
        assert event.data["by"] == "ada"
        assert state_of(linear, ref) == ("Ada", "In Progress")

        # She gives it back: it is ours again.
        linear.store.change(ref, assignee=None, state="Todo")
        await team.board.syncs.nudge("backlog")
        await wait_for_gap(team)
        await team.sources.hear()
        report = await team.run(until="idle", timeout=60)
    assert report.endings == {"completed": 1}
    assert state_of(linear, ref) == ("Neveridle", "Done")


async def wait_for_gap(team: Any) -> None:
    """Two looks are some seconds apart, whatever webhooks say."""
    await team.board.clock.script(await team.board.clock.now() + 6)
    await team.board.syncs.nudge("backlog")


@pytest.fixture
def busy(hands: Any) -> tuple[asyncio.Event, asyncio.Event]:
    """Work that has begun, and may end."""
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def act(assignment: Any) -> Any:
        begun.set()
        await may_end.wait()
        return await hands.leave({"page.txt": "words\n"})(assignment)

    hands.do("Add a page", act)
    return begun, may_end


@pytest.mark.parametrize("how", ["taken", "closed", "archived"])
async def test_what_is_lost_during_work_is_noticed_from_the_mirror(
    tracked: Any, hands: Any, linear: LinearStandin, busy: Any, reaches: Callable[..., Any],
    how: str,
) -> None:  # fmt: skip
    begun, _ = busy
    await tracked.script()
    ref = linear.store.add("Add a page")
    async with tracked.team(worker=hands) as team:
        run = asyncio.create_task(team.run(until="idle"))
        await reaches(begun, run)
        if how == "taken":
            linear.store.change(ref, assignee="Ada")
        elif how == "closed":
            linear.store.change(ref, state="Done")
        else:
            linear.store.archive(ref)
        await team.board.clock.advance(200)
        team.sources.stale = True
        await team.sources.refresh()
        await team.keeper.beat()
        async with asyncio.timeout(60):
            report = await run
        (attempt,) = await team.board.attempts.of(1)
        task = await team.board.tasks.get(1)
        events = await team.board.events.find(kind="task.cancelled")
    assert report.endings == {"lost": 1}
    assert (attempt.state, task.state) == (AttemptState.CANCELLED, TaskState.CANCELLED)
    words = "taken by ada" if how == "taken" else "closed"
    assert words in events[0].data["reason"]
    assert tracked.shows("page.txt") is None
    if how == "taken":
        assert state_of(linear, ref)[0] == "Ada"


@pytest.mark.parametrize("how", ["taken", "closed"])
async def test_what_is_lost_is_noticed_right_before_delivery(
    tracked: Any, hands: Any, linear: LinearStandin, how: str
) -> None:
    ref = linear.store.add("Add a page")

    async def act(assignment: Any) -> Any:  # the mirror does not know of it yet
        change = {"assignee": "Ada"} if how == "taken" else {"state": "Canceled"}
        linear.store.change(ref, **change)
        return await hands.leave({"page.txt": "words\n"})(assignment)

    hands.do("Add a page", act)
    async with tracked.team(worker=hands) as team:
        report = await team.run(until="idle", timeout=60)
        (event,) = await team.board.events.find(kind=f"ticket.{how}")
        (task,) = await team.board.tasks.find()
    assert report.endings == {"lost": 1}
    assert "deliver" in report.attempts[0].path
    assert task.state is TaskState.CANCELLED
    assert event.data["ticket"] == ref
    assert (tracked.merges, tracked.shows("page.txt")) == (0, None)
    assert state_of(linear, ref) != ("Neveridle", "Done")
