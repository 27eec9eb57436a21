"""From a roadmap to tasks, and back."""

from __future__ import annotations

from typing import Any

import pytest

from neveridle.agents import Agent, Roster, Soul
from neveridle.board import NewTask, Source, Task, TaskState
from neveridle.graph.sources.roadmap_source import mark_item, roadmap_entries

ROADMAP = """\
# Roadmap

## Now

- [ ] Store (@sam)
  - [ ] Read the file
  - [x] Write the file
- [ ] Page (depends on: Store)
- [ ] Talk to the press (@ann)
- [x] Name
"""


@pytest.fixture
def roster() -> Roster:
    return Roster(
        {
            "sam": Agent(Soul("sam", "backend", ("python",), "I am Sam."), ("python",)),
            "leo": Agent(Soul("leo", "frontend", ("html",), "I am Leo."), ("html",)),
        }
    )


def test_unstarted_leaves_that_are_ours_become_tasks(roster: Roster) -> None:
    entries = {entry.task.title: entry for entry in roadmap_entries(ROADMAP, "R.md", roster)}
    assert [title for title, entry in entries.items() if entry.open] == ["Read the file", "Page"]
    assert entries["Read the file"].ref == "roadmap:R.md#read-the-file"
    assert entries["Read the file"].task.description == "An item of R.md, under: Now > Store."


def test_who_waits_for_an_item_waits_for_its_unfinished_parts(roster: Roster) -> None:
    page = next(e for e in roadmap_entries(ROADMAP, "R.md", roster) if e.task.title == "Page")
    assert page.after == ("roadmap:R.md#read-the-file", "roadmap:R.md#write-the-file")


def test_somebody_elses_item_is_not_over_for_those_who_wait(roster: Roster) -> None:
    by_title = {e.task.title: e for e in roadmap_entries(ROADMAP, "R.md", roster)}
    press = by_title["Talk to the press"]
    assert (press.open, press.over) == (False, False)
    assert by_title["Name"].over


def test_two_items_of_one_name_are_two_tasks(roster: Roster) -> None:
    text = "# A\n\n- [ ] Tests\n\n# B\n\n- [ ] Tests\n"
    refs = [entry.ref for entry in roadmap_entries(text, "R.md", roster)]
    assert len(set(refs)) == 2


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_mark_changes_one_character(newline: str) -> None:
    text = ROADMAP.replace("\n", newline)
    changed = mark_item(text, "R.md", "roadmap:R.md#page", "done")
    assert changed == text.replace("- [ ] Page", "- [x] Page")
    assert mark_item(text, "R.md", "roadmap:R.md#gone", "done") is None


def title_of(task: Task) -> str:
    return task.title


async def test_the_board_follows_the_roadmap(project: Any, hands: Any) -> None:
    """Items come, go and come back; what is at work is not touched."""
    hands.do("*", hands.leave(status="blocked", summary="-", owner="human", action="wait"))
    project.commit({"ROADMAP.md": "- [ ] One\n- [ ] Two\n"})
    async with project.team(worker=hands) as team:

        async def states() -> dict[str, TaskState]:
            team.sources.stale = True
            await team.sources.refresh()
            return {task.title: task.state for task in await team.board.tasks.find()}

        assert await states() == {"One": TaskState.PENDING, "Two": TaskState.PENDING}
        project.commit({"ROADMAP.md": "- [x] One\n- [ ] Two\n- [ ] Three\n"})
        assert await states() == {
            "One": TaskState.CANCELLED,
            "Two": TaskState.PENDING,
            "Three": TaskState.PENDING,
        }
        project.commit({"ROADMAP.md": "- [ ] One\n"})
        assert await states() == {
            "One": TaskState.PENDING,
            "Two": TaskState.CANCELLED,
            "Three": TaskState.CANCELLED,
        }


async def test_a_new_agent_makes_items_ours_that_were_not(project: Any, hands: Any) -> None:
    project.commit({"ROADMAP.md": "- [ ] Page (@leo)\n"})
    async with project.team(worker=hands) as team:
        assert await team.board.tasks.find() == []
    project.soul("leo")
    async with project.team(worker=hands) as team:
        (task,) = await team.board.tasks.find()
    assert (task.title, task.assignee) == ("Page", "leo")


async def test_a_task_with_the_same_ref_is_not_made_twice(project: Any, hands: Any) -> None:
    project.commit({"ROADMAP.md": "- [ ] One\n"})
    async with project.board() as board:
        await board.tasks.add(
            NewTask(source=Source.ROADMAP, title="One", ref="roadmap:ROADMAP.md#one")
        )
    async with project.team(worker=hands) as team:
        assert len(await team.board.tasks.find()) == 1
