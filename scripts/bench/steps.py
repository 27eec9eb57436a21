"""What a durable step of the work graph costs."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any, TypedDict

from bench.harness import Pair, row, timed
from neveridle.agents.checkpoints import Checkpoints, thread_config

RUNS = 20
LONG = 500


class Count(TypedDict):
    """The state of the measured graphs."""

    n: int


def chain(steps: int, checkpointer: Any = None) -> Any:
    """A compiled graph of ``steps`` nodes that each add one."""
    from langgraph.graph import END, START, StateGraph

    async def step(state: Count) -> Count:
        return {"n": state["n"] + 1}

    graph: Any = StateGraph(Count)  # LangGraph's types do not tell how a made graph is typed
    names = [f"step_{number}" for number in range(steps)]
    for name in names:
        graph.add_node(name, step)
    for one, following in itertools.pairwise([START, *names, END]):
        graph.add_edge(one, following)
    return graph.compile(checkpointer=checkpointer)


@row("work of three durable steps", floor="the same graph without a checkpointer", limit=3.0)
def durable_steps() -> Generator[Pair]:
    """Each run on a thread of its own, written before the next step begins."""
    with tempfile.TemporaryDirectory() as name, asyncio.Runner() as runner:
        checkpoints = Checkpoints(Path(name) / "checkpoints.db")
        durable, bare = chain(3, runner.run(checkpoints.saver())), chain(3)
        threads = itertools.count()

        async def ours() -> None:
            for _ in range(RUNS):
                config = thread_config(str(next(threads)))
                await durable.ainvoke({"n": 0}, config, durability="sync")

        async def floor() -> None:
            for _ in range(RUNS):
                await bare.ainvoke({"n": 0})

        try:
            yield Pair(
                ours=timed(lambda: runner.run(ours()), RUNS),
                floor=timed(lambda: runner.run(floor()), RUNS),
            )
        finally:
            runner.run(checkpoints.close())


@row(
    "the second 500 durable steps of a thread",
    floor="its first 500",
    limit=1.2,
    rounds=3,
)
def flat_steps() -> Generator[Pair]:
    """One thread that goes on: what a step costs must not grow with the steps before it."""
    with tempfile.TemporaryDirectory() as name, asyncio.Runner() as runner:
        checkpoints = Checkpoints(Path(name) / "checkpoints.db")
        graph = chain(10, runner.run(checkpoints.saver()))
        threads = itertools.count()
        thread = ""

        async def steps() -> None:
            for _ in range(LONG // 10):
                await graph.ainvoke({"n": 0}, thread_config(thread), durability="sync")

        def second() -> None:
            nonlocal thread
            thread = str(next(threads))
            runner.run(steps())  # the first 500, not measured here

        def ours() -> float:
            second()
            return timed(lambda: runner.run(steps()), LONG)()

        def floor() -> float:
            nonlocal thread
            thread = str(next(threads))
            return timed(lambda: runner.run(steps()), LONG)()

        try:
            yield Pair(ours=ours, floor=floor)
        finally:
            runner.run(checkpoints.close())
