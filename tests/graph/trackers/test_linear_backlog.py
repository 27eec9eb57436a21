"""Issues of Linear's are worked on, and their state follows the work."""

from __future__ import annotations

from typing import Any

from neveridle.board import TaskState
from neveridle.tools.standin.linear import LinearStandin


async def test_an_issue_is_taken_started_worked_on_and_done(
    tracked: Any, hands: Any, linear: LinearStandin
) -> None:
    ref = linear.store.add("Add a page", description="With words.", priority=1, labels=["python"])
    seen: list[Any] = []

    async def act(assignment: Any) -> Any:
        issue = linear.store.find(ref)
        assert issue is not None
        seen.append((issue.assignee, issue.state, assignment.task.description))
        return await hands.leave({"page.txt": "words\n"})(assignment)

    hands.do("Add a page", act)
    async with tracked.team(worker=hands) as team:
        report = await team.run(until="idle", timeout=60)
        (task,) = await team.board.tasks.find()

    issue = linear.store.find(ref)
    assert issue is not None
    assert report.endings == {"completed": 1}
    assert seen == [("Neveridle", "In Progress", "With words.")]
    assert (issue.assignee, issue.state) == ("Neveridle", "Done")
    assert (task.ref, task.ticket, task.skills) == (f"linear:{ref}", ref, ("python",))
    assert task.priority.name == "URGENT"
    assert tracked.shows("page.txt") == "words"
    assert report.problems == []


async def test_what_is_not_ours_to_do_is_left_alone(
    tracked: Any, hands: Any, linear: LinearStandin
) -> None:
    store = linear.store
    store.add("Ada's", assignee="Ada")
    store.add("Not accepted", state="Triage")
    store.add("Somebody is at it", state="In Progress")
    store.add("Over", state="Done")
    waits, first = store.add("Second"), store.add("First")
    store.block(first, waits)
    blocked, others = store.add("After Ada's"), store.add("Ada's too", assignee="Ada")
    store.block(others, blocked)
    async with tracked.team(worker=hands) as team:
        report = await team.run(until="idle", timeout=60)
        tasks = await team.board.tasks.find()
    assert [line.title for line in report.attempts] == ["First", "Second"]
    assert {task.state for task in tasks} == {TaskState.COMPLETED}
    assert linear.asked("NeveridleUpdate") == 6  # taken, started, done: twice
