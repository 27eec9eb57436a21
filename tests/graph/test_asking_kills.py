"""Processes are killed around a question: it is asked once, and its answer counts once."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from neveridle.board import TaskState

# Dies at a point that its last argument names, just before or after the board is called.
CHILD = """
import asyncio, json, os, sys
from pathlib import Path
from neveridle import Team
from neveridle.board.answering import Answering
from neveridle.memory.embedding.hashing import HashingEmbedder
from neveridle.settings.loader import settings_from

settings, root, point = json.loads(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
die = lambda: os.kill(os.getpid(), 9)
park, answers = Answering.park, Answering.answers

async def parks(self, *args, **more):
    if point == "before parking":
        die()
    done = await park(self, *args, **more)
    if point == "after parking":
        die()
    return done

async def answered(self, task):
    found = await answers(self, task)
    if point == "before resuming" and found:
        die()
    return found

Answering.park, Answering.answers = parks, answered

async def main():
    async with Team(settings_from(settings, root), embedder=HashingEmbedder()) as team:
        report = await team.run(until="idle", timeout=60)
    print(json.dumps(report.endings))

asyncio.run(main())
"""


@pytest.fixture
def home(request: pytest.FixtureRequest, project: Any, api: Any) -> Any:
    """The project, its board and checkpoints on the database asked for, its model at the API."""
    api.use(project)
    if request.param == "postgres":
        project.use("team", board=request.getfixturevalue("postgres_url"))
    return project


@pytest.fixture
def started() -> list[subprocess.Popen[bytes]]:
    """The processes that were started, in order."""
    return []


@pytest.fixture
def run(home: Any) -> Callable[[], Any]:
    """Run a team of its own until it is idle; its endings."""

    async def whole() -> dict[str, int]:
        async with home.team() as team:
            return dict((await team.run(until="idle", timeout=60)).endings)

    return whole


@pytest.fixture
def killed(home: Any, started: list[subprocess.Popen[bytes]]) -> Callable[..., Any]:
    """Run the team in a process that dies at a point; its lease has ended then."""

    async def whole(point: str = "never") -> None:
        line = [sys.executable, "-P", "-c", CHILD, json.dumps(home.settings), str(home.root), point]
        process = subprocess.Popen(line, stderr=subprocess.PIPE)  # noqa: ASYNC220 - it only starts
        started.append(process)
        _, err = await asyncio.to_thread(process.communicate, timeout=120)
        assert process.returncode == -9, err.decode()
        async with home.board() as board:
            await board.clock.advance(10_000)

    return whole


def tool_results(body: dict[str, Any]) -> list[str]:
    return [str(m["content"]) for m in body["messages"] if m["role"] == "tool"]


@pytest.mark.postgres_in_chaos
@pytest.mark.parametrize(
    ("home", "point"),
    [
        ("sqlite", "before parking"),
        ("sqlite", "after parking"),
        ("sqlite", "before resuming"),
        ("postgres", "before parking"),
        ("postgres", "before resuming"),
    ],
    indirect=["home"],
)
async def test_killed_around_a_question(
    home: Any, api: Any, run: Any, killed: Any, point: str
) -> None:
    await home.script()
    api.says("Paint", api.tool("ask_human", question="Colour?"), api.outcome())
    async with home.team() as team:
        task = await team.dispatch("sam", "Paint", needs_change=False)
    if point != "before resuming":
        await killed(point)
    assert await run() == ({} if point == "after parking" else {"parked": 1})
    async with home.board() as board:
        (item,) = await board.inbox.find(state=None)
        assert item.count == 1
        await board.answering.answer(item.id, text="Red", by="eve")
    if point == "before resuming":
        await killed(point)
    assert await run() == {"completed": 1}
    async with home.board() as board:
        assert (await board.tasks.get(task.id)).state is TaskState.COMPLETED
        assert len(await board.inbox.find(state=None)) == 1
    assert len(api.asked) == 2
    assert [one.endswith("> Red") for one in tool_results(api.asked[-1])] == [True]


@pytest.mark.parametrize("home", ["sqlite"], indirect=True)
async def test_killed_while_it_goes_on_with_the_answer(
    home: Any, api: Any, run: Any, killed: Any, started: Any
) -> None:
    await home.script()

    def dies() -> dict[str, Any]:
        started[-1].kill()
        return dict(api.outcome())

    api.says("Paint", api.tool("ask_human", question="Colour?"), {"hang": dies}, api.outcome())
    async with home.team() as team:
        await team.dispatch("sam", "Paint", needs_change=False)
    assert await run() == {"parked": 1}
    async with home.board() as board:
        (item,) = await board.inbox.find()
        await board.answering.answer(item.id, text="Red", by="eve")
    await killed()
    assert await run() == {"completed": 1}
    assert len(api.asked) == 3
    for body in api.asked[1:]:
        assert [one.endswith("> Red") for one in tool_results(body)] == [True]
    async with home.board() as board:
        assert len(await board.inbox.find(state=None)) == 1
