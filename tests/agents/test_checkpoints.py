"""Durable threads: one per attempt, forked at a takeover, pruned as they grow."""

from __future__ import annotations

import asyncio
import operator
from pathlib import Path
from typing import Annotated, Any, TypedDict, cast

import pytest

from neveridle.agents.checkpoints import Checkpoints, thread_config


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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ein Ordner" / "checkpoints.db"


async def test_a_takeover_goes_on_in_a_thread_of_its_own(path: Path) -> None:
    """Who was only thought dead writes to the old one, and nobody reads it."""
    ran: list[str] = []
    broken = True

    async def second(state: State) -> State:
        if broken:
            raise RuntimeError("killed here")
        ran.append("second")
        return {"seen": ["second"]}

    checkpoints = Checkpoints(path)
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
    await checkpoints.close()
    await checkpoints.close()


async def test_what_one_node_of_a_step_wrote_before_the_kill_is_not_done_again(path: Path) -> None:
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

    checkpoints = Checkpoints(path)
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
    await checkpoints.close()


async def test_a_thread_does_not_grow_with_its_steps(path: Path) -> None:
    from langgraph.graph import END, START, StateGraph

    async def step(state: State) -> State:
        return {"seen": ["x" * 2000]}

    checkpoints = Checkpoints(path)
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
    await checkpoints.close()
    size = await asyncio.to_thread(path.stat)
    assert size.st_size < 1_000_000  # all of them would be 50 * 50 / 2 * 2 kB


async def test_two_agents_that_begin_at_once_open_the_file_once(path: Path) -> None:
    checkpoints = Checkpoints(path)
    one, other = await asyncio.gather(checkpoints.saver(), checkpoints.saver())
    assert one is other
    await checkpoints.close()


async def test_asking_for_threads_makes_no_file(path: Path) -> None:
    checkpoints = Checkpoints(path)
    assert await checkpoints.threads() == []
    assert not await asyncio.to_thread(path.exists)


async def test_what_went_wrong_with_writes_is_raised_by_the_next_checkpoint(path: Path) -> None:
    """Nobody waits for a step's writes, but nothing goes on as if they were there."""
    from langgraph.checkpoint.base import empty_checkpoint

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
