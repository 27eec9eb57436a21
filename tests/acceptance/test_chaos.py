"""kill -9 at random moments: three processes, dependent tasks, a handoff; all of it done once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from neveridle.board import AttemptState, NewTask, Source, TaskState

KILLS = 150
"""On each database, at the whole scale."""
PROCESSES = 3
BATCH = 6
"""Tasks of a batch, the one that a handoff makes among them."""
FEWEST = 5
"""Kills in a batch, at the least."""
STEPS = 3
"""Answers of the model to a task."""


@pytest.fixture
def seed() -> int:
    """Of what is random; printed, so that a failure can be looked for again."""
    chosen = int(os.environ.get("NEVERIDLE_CHAOS_SEED") or random.SystemRandom().getrandbits(32))
    print(f"NEVERIDLE_CHAOS_SEED={chosen}")  # noqa: T201 - shown with a failure
    return chosen


def record(project: Any, batch: int) -> None:
    """What the model says to the tasks of a batch."""
    for name in ("one", "two", "three", "four"):
        key = f"dispatch:{name}-{batch}"
        path = f"{name}-{batch}.txt"
        project.says(key, project.write(path, f"{name}\n"), project.run("true"), project.done())
        project.learns(key, f"Lesson of {name} {batch}.")
    key = f"dispatch:five-{batch}"
    handoff = {"to": "leo", "action": "Go on"}
    project.says(
        key, project.write(f"five-{batch}.txt", "five\n"), project.run("true"),
        project.done("Half.", status="handed_off", handoff=handoff),
    )  # fmt: skip
    project.says(
        f"{key}>leo", project.write(f"six-{batch}.txt", "six\n"), project.run("true"),
        project.done(),
    )  # fmt: skip
    project.learns(key, f"Lesson of five {batch}.")
    project.learns(f"{key}>leo", f"Lesson of six {batch}.")


async def dispatch(board: Any, batch: int) -> None:
    """Two wait for one, four waits for both and looks whether their work is there."""

    async def add(name: str, agent: str, after: tuple[int, ...] = (), needs: str = "") -> int:
        acceptance = (f"test -f {needs}-{batch}.txt",) if needs else ()
        task = await board.tasks.add(
            NewTask(
                source=Source.DISPATCH, title=f"{name.title()} {batch}", assignee=agent,
                after=after, acceptance=acceptance,
            )
        )  # fmt: skip
        return int(task.id)

    one = await add("one", "sam")
    two = await add("two", "leo", (one,), "one")
    three = await add("three", "ann", (one,), "one")
    await add("four", "sam", (two, three), "three")
    await add("five", "ann")


@pytest.mark.postgres_in_chaos
@pytest.mark.chaos
@pytest.mark.slow
async def test_kills_at_random_moments_lose_nothing_and_do_nothing_twice(
    project: Any,
    fork: Callable[..., Any],
    chaos_scale: float,
    seed: int,
    leaves_nothing: Callable[[], Awaitable[None]],
) -> None:
    chance, kills, batches = random.Random(seed), round(KILLS * chaos_scale), 0
    for name in ("leo", "ann"):
        project.soul(name)
    project.use("leases", lease=1.0, heartbeat=0.2)
    project.use("limits", attempts=10_000)  # they die far more often than a person would bear
    project.use("memory", enabled=True)
    for batch in range(kills // FEWEST + 1):
        record(project, batch)
    children = [fork() for _ in range(PROCESSES)]
    async with project.board() as board:

        async def tend() -> None:
            """Let somebody else in for whoever has ended."""
            for number, child in enumerate(children):
                if child.code is not None:
                    assert child.code in (0, -9), child.said
                    children[number] = fork()
            await asyncio.sleep(0.005)

        async def left() -> int:
            counts = (await board.status())["tasks"]
            return sum(one["count"] for one in counts if one["state"] != TaskState.COMPLETED)

        while kills:
            await dispatch(board, batches)
            batches += 1
            killed = 0
            while kills and (killed < FEWEST or await left()):
                await tend()
                await asyncio.sleep(min(chance.expovariate(2.0), 3.0))
                chance.choice(children).signal(signal.SIGKILL)
                kills, killed = kills - 1, killed + 1
        while await left():
            await tend()
        for child in children:
            child.signal(signal.SIGKILL)
            await asyncio.to_thread(child.wait)
        tasks = await board.tasks.find(limit=10_000)
        history = [one for task in tasks for one in await board.attempts.of(task.id)]
        events = await board.events.find(kind="model.call", limit=1_000_000)
        merged = await board.events.find(kind="branch.merged", limit=1_000_000)
        lessons = await board.memories.newest(1_000_000)
    async with project.team():  # clears up after whoever died clearing up
        pass

    assert [task.state for task in tasks] == [TaskState.COMPLETED] * (BATCH * batches)
    assert len(merged) == project.merges == (BATCH - 1) * batches
    assert len(lessons) == BATCH * batches
    commits = project.git("log", "--no-merges", "--format=%s", "main").splitlines()
    assert commits.count("Continue: Go on") == batches
    for batch in range(batches):
        assert project.shows(f"six-{batch}.txt") == "six"
        for name in ("one", "two", "three", "four", "five"):
            assert project.shows(f"{name}-{batch}.txt") == name
            assert commits.count(f"{name} {batch}".title()) == 1
    cut = sum(one.state in (AttemptState.EXPIRED, AttemptState.RELEASED) for one in history)
    asked = [event.data["purpose"] for event in events]
    # Each attempt that was cut short had at most one answer that was not durable yet.
    assert STEPS * BATCH * batches <= asked.count("work") + cut
    assert asked.count("work") <= STEPS * BATCH * batches + cut
    assert asked.count("learn") <= BATCH * batches + cut
    await leaves_nothing()
