"""Durable threads: one per attempt, forked at a takeover, pruned as they grow."""

from __future__ import annotations

import asyncio
import operator
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, TypedDict, cast

import psycopg
import pytest
from langgraph.checkpoint.base import Checkpoint, empty_checkpoint

from neveridle.agents.checkpoints import Checkpoints, thread_config
from neveridle.errors import DiskFull


class State(TypedDict):
    seen: Annotated[list[str], operator.add]


def two_steps(second: Any, saver: Any) -> Any:
    from langgraph.graph import END, START, StateGraph

    async def first(state: State) -> State:
        return {"seen": ["first"]}

    graph: Any = StateGraph(cast("Any", State))
    graph.add_node("first", first)
    graph.add_node("second", second)
    graph.add_edge(START, "first")
    graph.add_edge("first", "second")
    graph.add_edge("second", END)
    return graph.compile(checkpointer=saver)


def holding(value: str, *, version: str) -> Checkpoint:
    values = {"channel_values": {"seen": [value]}, "channel_versions": {"seen": version}}
    return cast("Checkpoint", {**empty_checkpoint(), **values})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ein Ordner" / "checkpoints.db"


@pytest.fixture(params=["sqlite", "postgres"])
def make(request: pytest.FixtureRequest, path: Path) -> Callable[[], Checkpoints]:
    """Opens the same checkpoints, as one process more."""
    board = "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))
    return lambda: Checkpoints(path, board)


@pytest.fixture
async def checkpoints(make: Callable[[], Checkpoints]) -> AsyncGenerator[Checkpoints]:
    opened = make()
    yield opened
    await opened.close()
    await opened.close()


@pytest.fixture
def size(path: Path, request: pytest.FixtureRequest) -> Callable[[], Awaitable[int]]:
    """The bytes that the values of all checkpoints take."""

    def measure() -> int:
        if path.exists():
            with closing(sqlite3.connect(path)) as file:
                row = file.execute("SELECT sum(length(checkpoint)) FROM checkpoints").fetchone()
        else:
            with psycopg.connect(request.getfixturevalue("postgres_url")) as other:
                row = other.execute(
                    "SELECT sum(length(blob)) FROM neveridle_checkpoints.checkpoint_blobs"
                ).fetchone()
        return int(row[0]) if row else 0

    return lambda: asyncio.to_thread(measure)


async def test_a_takeover_goes_on_in_a_thread_of_its_own(checkpoints: Checkpoints) -> None:
    """Who was only thought dead writes to the old one, and nobody reads it."""
    ran: list[str] = []
    broken = True

    async def second(state: State) -> State:
        if broken:
            raise RuntimeError("killed here")
        ran.append("second")
        return {"seen": ["second"]}

    graph = two_steps(second, await checkpoints.saver())
    with pytest.raises(RuntimeError):
        await graph.ainvoke({"seen": []}, thread_config("1:1"), durability="sync")
    old = await (await checkpoints.saver()).aget_tuple(thread_config("1:1"))

    assert await checkpoints.fork("1:1", "1:2")
    assert not await checkpoints.fork("9:9", "1:3")
    broken = False
    state = await graph.ainvoke(None, thread_config("1:2"), durability="sync")

    assert state["seen"] == ["first", "second"]
    assert ran == ["second"]
    assert await (await checkpoints.saver()).aget_tuple(thread_config("1:1")) == old
    assert await checkpoints.threads() == ["1:1", "1:2"]
    await checkpoints.drop("1:1")
    assert await checkpoints.threads() == ["1:2"]
    assert not await checkpoints.exists("1:1")


async def test_what_one_node_of_a_step_wrote_before_the_kill_is_not_done_again(
    checkpoints: Checkpoints,
) -> None:
    """The pending writes come along at a takeover."""
    from langgraph.graph import END, START, StateGraph

    ran: list[str] = []
    broken = True

    async def good(state: State) -> State:
        ran.append("good")
        return {"seen": ["good"]}

    async def bad(state: State) -> State:
        await asyncio.sleep(0.05)
        if broken:
            raise RuntimeError("killed here")
        return {"seen": ["bad"]}

    graph: Any = StateGraph(cast("Any", State))
    for node in (good, bad):
        graph.add_node(node.__name__, node)
        graph.add_edge(START, node.__name__)
        graph.add_edge(node.__name__, END)
    compiled = graph.compile(checkpointer=await checkpoints.saver())
    with pytest.raises(RuntimeError):
        await compiled.ainvoke({"seen": []}, thread_config("1:1"), durability="sync")
    assert await checkpoints.fork("1:1", "1:2")
    broken = False
    state = await compiled.ainvoke(None, thread_config("1:2"), durability="sync")
    assert sorted(state["seen"]) == ["bad", "good"]
    assert ran == ["good"]


async def test_a_thread_does_not_grow_with_its_steps(
    checkpoints: Checkpoints, size: Callable[[], Awaitable[int]]
) -> None:
    from langgraph.graph import END, START, StateGraph

    async def step(state: State) -> State:
        return {"seen": ["x" * 2000]}

    graph: Any = StateGraph(cast("Any", State))
    graph.add_node("step", step)
    graph.add_edge(START, "step")

    def on(state: State) -> str:
        return END if len(state["seen"]) >= 50 else "step"

    graph.add_conditional_edges("step", on, ["step", END])
    compiled = graph.compile(checkpointer=await checkpoints.saver())
    await compiled.ainvoke(
        {"seen": []}, {**thread_config("1:1"), "recursion_limit": 100}, durability="sync"
    )
    saver = await checkpoints.saver()
    assert len([one async for one in saver.alist(thread_config("1:1"))]) == 1
    assert await size() < 300_000  # all of them would be 50 * 50 / 2 * 2 kB


async def test_a_fork_brings_nothing_of_what_is_written_to_the_old_thread_later(
    checkpoints: Checkpoints,
) -> None:
    saver = await checkpoints.saver()
    one = holding("a", version="1")
    begun = await saver.aput(thread_config("1:1"), one, {}, {"seen": "1"})
    await saver.aput_writes(begun, [("seen", ["b"])], "a task")
    assert await checkpoints.fork("1:1", "1:2")
    two = holding("c", version="2")
    await saver.aput(begun, two, {}, {"seen": "2"})
    found = await saver.aget_tuple(thread_config("1:2"))
    assert found is not None
    assert found.checkpoint["channel_values"] == {"seen": ["a"]}
    assert found.pending_writes == [("a task", "seen", ["b"])]
    assert found.parent_config is None
    await checkpoints.drop("1:1")
    assert await saver.aget_tuple(thread_config("1:2")) == found


async def test_two_agents_that_begin_at_once_open_them_once(checkpoints: Checkpoints) -> None:
    one, other = await asyncio.gather(checkpoints.saver(), checkpoints.saver())
    assert one is other


async def test_many_processes_that_begin_at_once_make_the_tables_once(
    make: Callable[[], Checkpoints],
) -> None:
    opened = [make() for _ in range(8)]

    async def put(number: int, one: Checkpoints) -> None:
        await (await one.saver()).aput(thread_config(f"{number}:1"), empty_checkpoint(), {}, {})

    await asyncio.gather(*(put(number, one) for number, one in enumerate(opened)))
    assert await opened[0].threads() == [f"{number}:1" for number in range(8)]
    for one in opened:
        await one.close()


async def test_asking_for_threads_makes_no_file(path: Path) -> None:
    checkpoints = Checkpoints(path)
    assert await checkpoints.threads() == []
    assert not await asyncio.to_thread(path.exists)


async def test_what_went_wrong_with_writes_is_raised_by_the_next_checkpoint(path: Path) -> None:
    """Nobody waits for a step's writes, but nothing goes on as if they were there."""
    checkpoints = Checkpoints(path)
    saver = await checkpoints.saver()
    begun = await saver.aput(thread_config("1:1"), empty_checkpoint(), {}, {})
    other = await saver.aput(thread_config("2:1"), empty_checkpoint(), {}, {})
    await saver.aput_writes(begun, [("seen", (one for one in "ab"))], "a task")
    await saver.aput(other, empty_checkpoint(), {}, {})  # nothing went wrong there
    with pytest.raises(TypeError):
        await saver.aput(begun, empty_checkpoint(), {}, {})
    await saver.aput(begun, empty_checkpoint(), {}, {})  # said once
    await checkpoints.close()


async def test_a_full_disk_is_said_as_such_and_the_thread_goes_on_once_there_is_room(
    path: Path,
) -> None:
    checkpoints = Checkpoints(path)
    saver: Any = await checkpoints.saver()
    begun = await saver.aput(thread_config("1:1"), empty_checkpoint(), {}, {})
    saver.conn.execute("PRAGMA max_page_count = 1")  # no less than there are
    large = {**empty_checkpoint(), "channel_values": {"seen": "x" * 100_000}}
    with pytest.raises(DiskFull, match="No space is left for the checkpoints"):
        await saver.aput(begun, large, {}, {})
    saver.conn.execute("PRAGMA max_page_count = 4294967294")
    await saver.aput(begun, large, {}, {})
    kept = await saver.aget_tuple(thread_config("1:1"))
    assert kept.checkpoint["id"] == large["id"]
    await checkpoints.close()
