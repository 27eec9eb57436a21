"""kill -9 at every durable edge of the graph: whoever comes next finishes, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from neveridle.board import TaskState

KEY = "roadmap:ROADMAP.md#subtract"
SUB = "def sub(a, b):\n    return a - b\n"

WORK = ["work", "verify", "deliver", "reflect"]
WORKED = ["claim", "verify", "deliver", "reflect"]
VERIFIED = ["check_roadmap", "claim", "deliver", "reflect"]
DELIVERED = ["check_backlog", "check_roadmap", "claim", "reflect"]

BOTH = {
    "in claim": WORK,
    "claimed": WORK,
    "asked": WORK,
    "in writes": WORK,
    "in checkpoint": WORK,
    "checkpoint": WORK,
    "before worked": WORK,
    "in worked": WORK,
    "worked": WORKED,
    "verified": VERIFIED,
    "before merge": VERIFIED,
    "merged": VERIFIED,
    "delivered": DELIVERED,
    "learnt": DELIVERED,
    "in complete": DELIVERED,
    "completed": [],
    "in release": WORK,
    "released": WORK,
}
"""Where the first process dies, and which nodes the second passes last."""
GIT = {
    "half cloned": WORK,
    "checked out": WORK,
    "cloned": WORK,
    "in commit, with git": WORK,
    "staged": WORK,
    "committed": WORK,
    "branch moved": WORK,
    "merge written": VERIFIED,
    "merge read": VERIFIED,
    "merge on branch": VERIFIED,
    "in merge": VERIFIED,
    "cleared": [],
}
"""The same where the database has no part in it: on one is enough."""
FEW = {"in claim", "in checkpoint", "in worked", "merged", "in complete", "in release"}
"""What of it is run on PostgreSQL each time, as these processes do not start for nothing."""
CASES: list[Any] = [
    *(("sqlite", edge, path) for edge, path in {**BOTH, **GIT}.items()),
    *(
        pytest.param("postgres", edge, path, marks=() if edge in FEW else pytest.mark.chaos)
        for edge, path in BOTH.items()
    ),
]
AGAIN = {"asked", "in release", "released"}
"""Where the first process dies with an answer of the model's that was not durable yet."""


@pytest.fixture
def item(project: Any) -> Any:
    project.commit({"ROADMAP.md": "# Roadmap\n\n- [x] Add\n- [ ] Subtract\n"})
    project.use("memory", enabled=True)
    project.says(KEY, project.write("sub.py", SUB), project.run("true"), project.done())
    project.learns(KEY, "Put functions in files of their own.")
    return project


async def expire(project: Any) -> None:
    """Let an hour pass on the board: every lease is over."""
    async with project.board() as board:
        await board.clock.script(await board.clock.now() + 3600)


async def assert_done_once(project: Any) -> None:
    async with project.board() as board:
        task = await board.tasks.get(1)
        events = await board.events.find()
        lessons = await board.memories.newest(10)
        active = await board.attempts.active()
    kinds = [event.kind for event in events]
    assert task.state is TaskState.COMPLETED
    assert (kinds.count("task.completed"), kinds.count("branch.merged")) == (1, 1)
    assert len(lessons) == 1
    assert active == []
    assert project.shows("sub.py") == SUB.strip()
    assert "- [x] Subtract" in project.shows("ROADMAP.md")
    assert project.merges == 1


@pytest.mark.parametrize(("project", "edge", "path"), CASES, indirect=["project"])
async def test_a_kill_at_any_edge_loses_nothing_and_does_nothing_twice(
    item: Any,
    edge: str,
    path: list[str],
    run_and_die: Callable[[str], int],
    quiet: Callable[[], Awaitable[None]],
    leaves_nothing: Callable[[], Awaitable[None]],
    request: pytest.FixtureRequest,
    chaos_scale: float,
) -> None:
    if request.node.get_closest_marker("chaos") and chaos_scale < 1:
        pytest.skip("with `make chaos`")
    assert run_and_die(edge) == -9
    if edge != "in merge":  # git goes on: who comes next must cope with that
        await quiet()
    await expire(item)

    async with item.team() as team:
        report = await team.run(until="idle", timeout=3600)
        threads = await team.checkpoints.threads()

    assert [line.path[-4:] for line in report.attempts] == [tuple(path)] * bool(path)
    assert threads == []
    await assert_done_once(item)
    await leaves_nothing()
    async with item.board() as board:
        calls = [event.data["purpose"] for event in await board.events.find(kind="model.call")]
    # An answer that was not yet durable is asked for again; none other is.
    learnt_again = {"learnt", "in complete"}
    work = 4 if edge in AGAIN else 3
    assert (calls.count("work"), calls.count("learn")) == (work, 2 if edge in learnt_again else 1)


@pytest.mark.parametrize("project", ["sqlite"], indirect=True)
async def test_a_merge_killed_amid_the_files_of_others_is_made_anew(
    item: Any, run_and_die: Callable[[str], int], leaves_nothing: Callable[[], Awaitable[None]]
) -> None:
    """The tree holds what others merged; the copy's index, and its branch, know nothing of it."""
    assert run_and_die("verified") == -9
    await expire(item)
    item.commit({"theirs.txt": "theirs\n"})
    assert run_and_die("merge read") == -9
    await expire(item)

    async with item.team() as team:
        report = await team.run(until="idle", timeout=3600)

    assert report.endings == {"completed": 1}
    assert item.shows("theirs.txt") == "theirs"
    await assert_done_once(item)
    await leaves_nothing()


@pytest.mark.postgres_in_chaos
async def test_a_takeover_that_is_killed_is_taken_over(
    item: Any, run_and_die: Callable[[str], int], leaves_nothing: Callable[[], Awaitable[None]]
) -> None:
    edges = ("asked", "half adopted", "forked", "adopted", "claimed", "worked", "claimed", "merged")
    for edge in edges:
        assert run_and_die(edge) == -9
        await expire(item)

    async with item.team() as team:
        report = await team.run(until="idle", timeout=3600)

    assert report.endings == {"completed": 1}
    await assert_done_once(item)
    await leaves_nothing()
    async with item.board() as board:
        attempts = await board.attempts.of(1)
        calls = await board.events.find(kind="model.call")
    assert [one.number for one in attempts] == [1] * (len(edges) + 1)
    assert len(calls) <= 3 + 1 + 1  # one asked again, and the lesson


@pytest.mark.parametrize("edge", ["before handoff", "in handoff", "handed off"])
async def test_a_kill_around_a_handoff_gives_it_once(
    project: Any,
    edge: str,
    run_and_die: Callable[[str], int],
    leaves_nothing: Callable[[], Awaitable[None]],
) -> None:
    project.soul("leo", role="frontend", skills="html")
    project.commit({"ROADMAP.md": "# Roadmap\n\n- [ ] Page (@sam)\n"})
    handoff = {"to": "leo", "action": "Make the page"}
    project.says(
        "roadmap:ROADMAP.md#page",
        project.write("data.txt", "data\n"),
        project.done("Made the data.", status="handed_off", handoff=handoff),
    )
    project.says("roadmap:ROADMAP.md#page>leo", project.write("page.txt", "page\n"), project.done())
    assert run_and_die(edge) == -9
    await expire(project)

    async with project.team() as team:
        report = await team.run(until="idle", timeout=3600)

    expected = {"completed": 1} if edge == "handed off" else {"handed_off": 1, "completed": 1}
    assert report.endings == expected
    async with project.board() as board:
        tasks = await board.tasks.find()
        given = await board.handoffs.latest()
    assert [task.state for task in tasks] == [TaskState.COMPLETED] * 2
    assert len(given) == 1
    assert (project.shows("data.txt"), project.shows("page.txt")) == ("data", "page")
    assert project.merges == 1
    await leaves_nothing()
