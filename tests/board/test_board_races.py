"""Real processes at one board: races for every task, and deaths in the middle."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from neveridle.board import Board, NewTask, Priority, Source, TaskState

LONG = 120.0
"""Seconds after which a process that has not ended hangs."""

WORKER = '''
"""Claims and completes until nothing is left; says each thing once it is acknowledged."""
import asyncio, sys
from neveridle.board import Board, Source, TaskState

url, agent = sys.argv[1:]

async def main():
    async with Board(url, create=False) as board:
        run = await board.runs.start(agent, role="r", skills=["python"])
        print("ready", flush=True)
        sys.stdin.readline()
        while True:
            claim = await board.attempts.claim(
                agent=agent, run=run, skills=["python"], source=Source.BACKLOG, lease=600
            )
            if claim is None:
                counts = await board.tasks.counts()
                if not counts[TaskState.PENDING] and not counts[TaskState.IN_PROGRESS]:
                    break
                continue
            one = claim.attempt
            print("claimed", one.task_id, one.fence, flush=True)
            woken = await board.attempts.complete(one)
            print("completed", one.task_id, one.fence, *woken, flush=True)
        await board.runs.end([run])

asyncio.run(main())
'''


Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(board_url: str, tmp_path: Path) -> Generator[Start]:
    """Starts workers that have opened the board and wait for the word; none outlives the test.

    One that dies with a task in its hands leaves the others looking for work for ever.
    """
    script = tmp_path / "worker.py"
    script.write_text(WORKER, encoding="utf-8")
    begun: list[subprocess.Popen[str]] = []

    def begin(agent: str) -> subprocess.Popen[str]:
        worker = subprocess.Popen(
            [sys.executable, "-P", str(script), board_url, agent],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        begun.append(worker)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        return worker

    yield begin
    for worker in begun:
        with worker:  # closes its pipes, and waits
            worker.kill()


def go(worker: subprocess.Popen[str]) -> None:
    """Give the word."""
    assert worker.stdin is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()


async def fill(url: str, count: int) -> dict[int, set[int]]:
    """Tasks of which most wait for one or two earlier ones; who waits for whom."""
    async with Board(url) as board:
        ids: list[int] = []
        edges: dict[int, set[int]] = {}
        for number in range(count):
            after = {ids[number // 2], ids[number * 7 // 9]} if number % 5 else set[int]()
            new = NewTask(
                source=Source.BACKLOG,
                title=f"task {number}",
                priority=Priority(number % 4),
                skills=("python",) if number % 2 else (),
                after=tuple(sorted(after)),
            )
            ids.append((await board.tasks.add(new)).id)
            edges[ids[-1]] = after
        return edges


async def assert_whole(url: str) -> None:
    """Counters, states and attempts say the same, and a file is sound."""
    async with Board(url) as board:
        tasks = {task.id: task for task in await board.tasks.find(limit=10_000)}
        active = Counter(attempt.task_id for attempt in await board.attempts.active())
        waiting: Counter[int] = Counter()
        for task in tasks.values():
            blockers = await board.tasks.blockers(task.id)
            held = [b for b in blockers if tasks[b].state is not TaskState.COMPLETED]
            assert task.open_blockers == len(held)
            assert active[task.id] == (task.state is TaskState.IN_PROGRESS)
            if task.state is not TaskState.COMPLETED:
                waiting.update(held)
        for task in tasks.values():
            assert task.unblocks == waiting[task.id]
    if not url.startswith("sqlite"):
        return
    plain = sqlite3.connect(url.removeprefix("sqlite:///"))
    assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    plain.close()


async def assert_each_once_in_order(url: str, edges: dict[int, set[int]]) -> dict[str, int]:
    """Every task completed once, and claimed after what it waits for; runs' shares."""
    async with Board(url) as board:
        claims = await board.events.find(kind="task.claimed", limit=10_000)
        completions = await board.events.find(kind="task.completed", limit=10_000)
    assert Counter(event.task_id for event in completions) == Counter(list(edges))
    claimed = {event.task_id: event.id for event in claims}
    completed = {event.task_id: event.id for event in completions}
    for task, blockers in edges.items():
        assert all(completed[blocker] < claimed[task] for blocker in blockers)
    return Counter(str(event.run) for event in completions)


@pytest.mark.postgres_in_chaos
async def test_four_processes_complete_every_task_once(board_url: str, start: Start) -> None:
    edges = await fill(board_url, 200)
    # Two of them under one name: identity is per run.
    workers = [start(agent) for agent in ("sam", "sam", "leo", "quinn")]
    for worker in workers:
        go(worker)
    said: list[str] = []
    for worker in workers:
        out, err = worker.communicate(timeout=LONG)
        assert worker.returncode == 0, err
        said += out.splitlines()
    done = Counter(line.split()[1] for line in said if line.startswith("completed"))
    assert done == Counter(str(task) for task in edges)
    # Each task was woken by exactly one completion.
    woken = [word for line in said if line.startswith("completed") for word in line.split()[3:]]
    assert sorted(map(int, woken)) == sorted(task for task, after in edges.items() if after)
    shares = await assert_each_once_in_order(board_url, edges)
    assert sum(shares.values()) == 200
    await assert_whole(board_url)


@pytest.mark.postgres_in_chaos
@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal that cannot be caught")
@pytest.mark.parametrize("lines", [1, 2, 40])
async def test_what_was_acknowledged_survives_a_kill(
    board_url: str, start: Start, lines: int
) -> None:
    edges = await fill(board_url, 60)
    victim = start("sam")
    go(victim)
    assert victim.stdout is not None
    said = [victim.stdout.readline() for _ in range(lines)]
    victim.send_signal(signal.SIGKILL)
    rest, _ = victim.communicate()  # what it still said before it died counts as well
    assert victim.returncode == -signal.SIGKILL
    said += rest.splitlines()
    await assert_whole(board_url)
    async with Board(board_url) as board:
        for line in said:
            word, task, fence, *woken = line.split()
            attempt = await board.attempts.get(int(task), int(fence))
            assert attempt is not None
            if word == "completed":
                assert attempt.state == "completed"
                assert (await board.tasks.get(int(task))).state is TaskState.COMPLETED
                for other in woken:
                    assert (await board.tasks.get(int(other))).open_blockers == 0
        # Its lease runs out, and a second process finishes all of it.
        held = await board.attempts.active()
        assert len(held) <= 1
        await board.clock.script(await board.clock.now() + 601)
        assert await board.sweep() == [(one.task_id, one.fence) for one in held]
    second = start("leo")
    go(second)
    _, err = second.communicate(timeout=LONG)
    assert second.returncode == 0, err
    async with Board(board_url) as board:
        assert (await board.tasks.counts())[TaskState.COMPLETED] == len(edges)
        for one in held:
            assert [a.state for a in await board.attempts.of(one.task_id)] == [
                "expired", "completed",
            ]  # fmt: skip
    await assert_each_once_in_order(board_url, edges)
    await assert_whole(board_url)


async def test_four_processes_may_make_the_board_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'b.db'}"
    code = """
import asyncio, sys
from neveridle.board import Board, NewTask, Source

async def main():
    sys.stdin.readline()
    async with Board(sys.argv[1]) as board:
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="mine"))
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="ours", ref="ours"))

asyncio.run(main())
"""
    workers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-c", code, url, stdin=asyncio.subprocess.PIPE
        )
        for _ in range(4)
    ]
    await asyncio.gather(*(worker.communicate(b"go\n") for worker in workers))
    assert [worker.returncode for worker in workers] == [0] * 4
    async with Board(url) as board:
        titles = [task.title for task in await board.tasks.find()]
    assert sorted(titles) == ["mine"] * 4 + ["ours"]
