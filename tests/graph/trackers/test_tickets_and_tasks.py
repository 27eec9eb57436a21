"""Tickets that people open again, change or make roles of; and those made of the roadmap."""

from __future__ import annotations

from typing import Any

import pytest

from neveridle.board import TaskState
from neveridle.tools.standin.http_fault import HttpFault
from neveridle.tools.standin.linear import LinearStandin

ROADMAP = "# Roadmap\n\n- [ ] Write the manual\n- [ ] Print it\n"


async def look_again(team: Any) -> None:
    await team.board.clock.advance(100)
    team.sources.stale = True
    await team.sources.refresh()


async def test_a_ticket_that_was_opened_again_is_done_again(
    tracked: Any, hands: Any, linear: LinearStandin
) -> None:
    ref = linear.store.add("Add a page")
    await tracked.script()
    async with tracked.team(worker=hands) as team:
        await team.run(until="idle")
        await look_again(team)
        assert (await team.run(until="idle")).endings == {}
        linear.store.change(ref, state="Todo")
        await look_again(team)
        report = await team.run(until="idle")
        tasks = await team.board.tasks.find()
    issue = linear.store.find(ref)
    assert issue is not None
    assert report.endings == {"completed": 1}
    assert [one.state for one in tasks] == [TaskState.COMPLETED] * 2
    assert {one.ref for one in tasks} == {f"linear:{ref}", f"linear:{ref}~"}
    assert issue.state == "Done"


async def test_work_that_waits_in_review_is_not_taken_for_opened_again(
    tracked: Any, hands: Any, linear: LinearStandin
) -> None:
    tracked.use("delivery", mode="branch")
    ref = linear.store.add("Add a page")
    await tracked.script()
    async with tracked.team(worker=hands) as team:
        await team.run(until="idle")
        issue = linear.store.find(ref)
        assert issue is not None
        assert issue.state == "In Review"
        await look_again(team)
        assert (await team.run(until="idle")).endings == {}
        linear.store.change(ref, state="Todo")  # it was not good enough
        await look_again(team)
        assert (await team.run(until="idle")).endings == {"completed": 1}


async def test_what_a_person_changes_on_a_ticket_that_waits_is_taken_over(
    tracked: Any, hands: Any, linear: LinearStandin
) -> None:
    tracked.soul("leo", role="design", skills="css")
    tracked.use("agents", sam={"tracker_user": "grace@example.org"})
    ref = linear.store.add("Page", priority=4, labels=["design"])
    await tracked.script()
    async with tracked.team(worker=hands) as team:
        (task,) = await team.board.tasks.find()
        assert (task.skills, task.assignee, task.priority.name) == (("css",), None, "LOW")
        assert task.services == ("linear",)
        linear.store.change(ref, assignee="Grace", labels=[], priority=1, title="A page")
        await look_again(team)
        (task,) = await team.board.tasks.find()
        assert (task.title, task.skills, task.assignee) == ("A page", (), "sam")
        assert (task.priority.name, task.services) == ("URGENT", ())
        report = await team.run(until="idle")
    assert [(line.agent, line.ending) for line in report.attempts] == [("sam", "completed")]
    issue = linear.store.find(ref)
    assert issue is not None
    assert (issue.assignee, issue.state) == ("Grace", "Done")


@pytest.mark.parametrize("lost", [False, True])
async def test_items_of_the_roadmap_become_tickets_once_and_follow_the_work(
    tracked: Any, hands: Any, linear: LinearStandin, lost: bool
) -> None:
    tracked.use("tracker", kind="linear", roadmap_tickets=True)
    tracked.commit({"ROADMAP.md": ROADMAP})
    await tracked.script()
    if lost:  # the answer, not the ticket
        linear.faults.append(HttpFault("cut", on="NeveridleCreate", done=True))
    async with tracked.team(worker=hands) as team:
        for _ in range(3):
            await team.later.look()
            await look_again(team)
        tickets = {one.title: one for one in linear.store.issues.values()}
        tasks = {one.title: one for one in await team.board.tasks.find()}
        assert sorted(tickets) == sorted(tasks) == ["Print it", "Write the manual"]
        assert len(linear.store.issues) == 2
        assert {one.ticket for one in tasks.values()} == {"AGT-1", "AGT-2"}
        report = await team.run(until="idle")
    assert report.endings == {"completed": 2}
    assert {line.rung for line in report.attempts} == {"roadmap"}
    assert {one.state for one in tickets.values()} == {"Done"}
    assert len(linear.store.issues) == 2
