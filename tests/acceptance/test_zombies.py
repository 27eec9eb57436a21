"""SIGSTOP, a takeover, SIGCONT: who was only thought dead changes nothing any more."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from neveridle.agents.checkpoints import thread_config

KEY = "roadmap:ROADMAP.md#subtract"
SUB = "def sub(a, b):\n    return a - b\n"
TABLES = (
    "tasks", "task_edges", "attempts", "handoffs", "messages", "memories", "proposals", "effects",
)  # fmt: skip

PLACES = {
    "stop at an answer": "work",
    "stop at a command": "work",
    "stop at a check": "verify",
    "stop at a merge": "deliver",
    "stop in a merge": "deliver",
    "stop at a lesson": "reflect",
    "stop at the end": "reflect",
}
"""Where the first process stops, and the node in which it loses its lease."""

Everything = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
def item(project: Any) -> Any:
    project.commit({"ROADMAP.md": "# Roadmap\n\n- [x] Add\n- [ ] Subtract\n"})
    project.use("memory", enabled=True)
    project.says(KEY, project.write("sub.py", SUB), project.run("true"), project.done())
    project.learns(KEY, "Put functions in files of their own.")
    return project


@pytest.fixture
def everything(project: Any) -> Everything:
    """Reads what a zombie must not change: board, checkpoints, git, clones."""

    async def read() -> dict[str, Any]:
        found: dict[str, Any] = {}
        async with project.board() as board:

            def rows(c: Any) -> None:
                for name in TABLES:
                    query = text(f"SELECT * FROM {name} ORDER BY 1, 2")  # noqa: S608 - ours
                    found[name] = [tuple(row) for row in c.execute(query)]

            await board.database.read(rows)
            events = await board.events.find()
            kinds = ("task.", "attempt.", "branch.", "handoff.", "memory.")
            found["events"] = [e.id for e in events if e.kind.startswith(kinds)]
        checkpoints = project.checkpoints()
        for thread in await checkpoints.threads():
            saver = await checkpoints.saver()
            found[thread] = [one async for one in saver.alist(thread_config(thread))]
        await checkpoints.close()
        found["refs"] = project.git("for-each-ref")
        found["tree"] = project.git("status", "--porcelain")
        found["clones"] = project.clones
        return found

    return read


async def stopped(child: Any) -> None:
    while not child.stopped:
        assert child.code is None, child.said
        await asyncio.sleep(0.005)


async def expire(project: Any) -> None:
    async with project.board() as board:
        await board.clock.script(await board.clock.now() + 3600)


async def ended(child: Any) -> dict[str, Any]:
    child.signal(signal.SIGCONT)
    assert await asyncio.to_thread(child.wait) == 0, child.said
    report: dict[str, Any] = child.report
    return report


async def loses(child: Any) -> None:
    """Go on with a process until it has noticed that its task is another's."""
    child.signal(signal.SIGCONT)
    while not child.lost:
        assert child.code is None, child.said
        await asyncio.sleep(0.005)


@pytest.mark.postgres_in_chaos
@pytest.mark.parametrize("place", PLACES)
async def test_who_wakes_up_after_its_takeover_changes_nothing(
    item: Any,
    place: str,
    fork: Callable[..., Any],
    everything: Everything,
    leaves_nothing: Callable[[], Awaitable[None]],
) -> None:
    zombie = fork(place)
    await stopped(zombie)
    await expire(item)
    async with item.team() as team:
        report = await team.run(until="idle")
    assert report.endings == {"completed": 1}
    before = await everything()

    late = await ended(zombie)

    assert late["endings"] == {"lost": 1}
    # Cancelled where it is, or its clone is gone under its hands: then ``recover`` finds out.
    assert late["attempts"][0]["path"][-1] in (PLACES[place], "recover")
    assert await everything() == before
    assert item.merges == 1
    await leaves_nothing()


@pytest.mark.postgres_in_chaos
async def test_who_lost_its_task_goes_on_with_other_work(
    item: Any, fork: Callable[..., Any], leaves_nothing: Callable[[], Awaitable[None]]
) -> None:
    item.says("dispatch:two", item.write("two.txt", "two\n"), item.done())
    item.learns("dispatch:two", "Write files.")
    zombie = fork("stop at a command")
    await stopped(zombie)
    await expire(item)
    async with item.team() as team:
        await team.run(until="idle")
        other = await team.dispatch("sam", "Two")
    assert other.key == "dispatch:two"

    late = await ended(zombie)

    assert late["endings"] == {"lost": 1, "completed": 1}
    assert (item.shows("sub.py"), item.shows("two.txt")) == (SUB.strip(), "two")
    assert item.merges == 2
    await leaves_nothing()


async def test_who_wakes_up_while_another_is_at_work_leaves_it_alone(
    item: Any, fork: Callable[..., Any], leaves_nothing: Callable[[], Awaitable[None]]
) -> None:
    """The branch has not moved yet, so the repository itself would not refuse."""
    zombie = fork("stop at a merge")
    await stopped(zombie)
    await expire(item)
    second = fork("stop at a merge")
    await stopped(second)

    await loses(zombie)
    assert item.merges == 0

    done = await ended(second)
    assert (await ended(zombie))["endings"] == {"lost": 1}
    assert done["endings"] == {"completed": 1}
    assert item.merges == 1
    await leaves_nothing()


@pytest.mark.postgres_in_chaos
async def test_who_is_past_all_questions_merges_at_most_once(
    item: Any, fork: Callable[..., Any], leaves_nothing: Callable[[], Awaitable[None]]
) -> None:
    """What remains: stopped between the last question and git. It is still merged once."""
    zombie = fork("stop in a merge")
    await stopped(zombie)
    await expire(item)
    second = fork("stop at a merge")
    await stopped(second)

    await loses(zombie)
    assert item.merges <= 1

    done = await ended(second)
    assert (await ended(zombie))["endings"] == {"lost": 1}
    assert done["endings"] == {"completed": 1}
    assert item.merges == 1
    async with item.board() as board:
        assert len(await board.events.find(kind="branch.merged")) == 1
    await leaves_nothing()


@pytest.mark.postgres_in_chaos
async def test_a_handoff_is_given_once_by_who_owns_the_task(
    project: Any, fork: Callable[..., Any], everything: Everything
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
    zombie = fork("stop at a handoff")
    await stopped(zombie)
    await expire(project)
    async with project.team() as team:
        report = await team.run(until="idle")
    assert report.endings == {"handed_off": 1, "completed": 1}
    before = await everything()

    late = await ended(zombie)

    assert late["endings"] == {"lost": 1}
    assert await everything() == before
    assert project.merges == 1
