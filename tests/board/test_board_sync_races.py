"""Sync points under racing check-ins, and every transaction killed at every statement."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board, NewTask, NextPhase, PointState, Policy, Source

Contents = Callable[[], Awaitable[dict[str, list[tuple[Any, ...]]]]]
Take = Callable[..., Awaitable[Any]]

ROUNDS = 24
AGENTS = ("sam", "leo", "quinn", "kim")

RACER = '''
"""Checks in at every point, twice; completes its parts; says what it released."""
import asyncio, sys
from neveridle.board import Board, Source, Standing
from neveridle.errors import LeaseLost

url, agent, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])

async def main():
    async with Board(url, create=False) as board:
        run = await board.runs.start(agent, role="r", skills=[])
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(rounds):
            name = f"point {number}"
            if number % 3 == 0:
                claim = await board.attempts.claim(
                    agent=agent, run=run, skills=[], source=Source.BACKLOG, lease=600
                )
                if claim is not None:
                    for task in await board.attempts.complete(claim.attempt):
                        print("released by task", task, flush=True)
                continue
            if number % 3 == 1:
                await board.sync_points.check_in(name, agent, Standing.BLOCKED, reason=run)
            for _ in range(2):
                answer = await board.sync_points.check_in(name, agent)
                if answer.released:
                    print("released", answer.point.dispatch_id, flush=True)

asyncio.run(main())
'''

KILLED = '''
"""For each number on stdin: a process does one thing, and is killed before that statement."""
import asyncio, os, signal, sys
import psycopg, sqlalchemy.dialects.postgresql.psycopg, sqlalchemy.dialects.sqlite
from sqlalchemy import event
from neveridle.board import Board, HandoffDocument
from neveridle.board import attempts, deadlines, handoffs, sync_points, tasks  # once, for all

url, what = sys.argv[1:]

def forked(number):
    left = number
    counting = False

    def statement(*_):
        nonlocal left
        if counting:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    async def main():
        nonlocal counting
        async with Board(url, create=False) as board:
            engine = board.database.engine
            if url.startswith("sqlite"):
                event.listen(engine, "connect", lambda raw, _: raw.set_trace_callback(statement))
            else:
                event.listen(engine, "before_cursor_execute", statement)
                event.listen(engine, "commit", statement)
            await board.tasks.find()
            attempt = await board.attempts.get(1, 1)
            counting = True
            if what == "check in":
                await board.sync_points.check_in("merge", "sam")
            elif what == "complete":
                await board.attempts.complete(attempt)
            elif what == "sweep":
                await board.sweep()
            else:
                document = HandoffDocument(summary="s", action="a")
                learning = {
                    "agent": "sam", "kind": "learning", "text": "t", "tags": [], "source": "",
                    "importance": 0.1, "trusted": False,
                }
                await board.handoffs.give(
                    attempt, to="leo", document=document, verified=True, learning=learning
                )
            counting = False

    asyncio.run(main())

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        forked(int(line))
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    print("killed" if os.WIFSIGNALED(status) else f"ended {status}", flush=True)
'''


def start(path: Path, code: str, *arguments: str) -> subprocess.Popen[str]:
    """A process that runs this code, with pipes."""
    if not path.exists():  # another one may be reading it
        path.write_text(code, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-P", str(path), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.postgres_in_chaos
async def test_eight_racing_processes_release_each_point_once(
    board_url: str, tmp_path: Path
) -> None:
    async with Board(board_url) as board:
        for number in range(ROUNDS):
            tasks = [
                NewTask(source=Source.BACKLOG, title=f"part {number}", assignee=agent)
                for agent in AGENTS
                if number % 3 == 0
            ]
            await board.sync_points.create(
                f"point {number}", participants=AGENTS, lead="max", tasks=tasks,
                next_phase=NextPhase(title=f"phase {number}"),
            )  # fmt: skip
        version = await board.version()
    racers = [
        start(tmp_path / "racer.py", RACER, board_url, agent, str(ROUNDS))
        for agent in AGENTS * 2  # each agent in two processes: they say the same twice
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said: list[str] = []
    for racer in racers:
        out, err = racer.communicate()
        assert racer.returncode == 0, err
        said += out.splitlines()
    async with Board(board_url) as board:
        points = await board.sync_points.find()
        assert {point.state for point in points} == {PointState.RELEASED}
        phases = await board.tasks.find(assignee="max")
        assert sorted(task.title for task in phases) == sorted(f"phase {n}" for n in range(ROUNDS))
        assert {point.dispatch_id for point in points} == {task.id for task in phases}
        # Each release was said to exactly one of the racers, was told once, and woke once.
        assert sorted(int(line.split()[-1]) for line in said) == sorted(t.id for t in phases)
        assert len(await board.events.find(kind="sync_point.released")) == ROUNDS
        told = [m.content for m in await board.messages.latest("dev", limit=1000)]
        assert sum("is released" in text for text in told) == ROUNDS
        assert await board.version() == version + ROUNDS


@pytest.mark.postgres_in_chaos
@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal that cannot be caught")
@pytest.mark.parametrize("what", ["check in", "complete", "sweep", "give"])
async def test_killed_at_any_statement_nothing_is_half_done(
    board: Board, contents: Contents, take: Take, tmp_path: Path, what: str
) -> None:
    policy = Policy.SUBSTITUTE if what == "sweep" else Policy.FAIL
    await board.sync_points.create(
        "merge", participants=["sam"], lead="max", next_phase=NextPhase(title="phase"),
        within=60.0, policy=policy, substitutes={"sam": "leo"} if what == "sweep" else None,
        tasks=[NewTask(source=Source.BACKLOG, title="part", assignee="sam")],
    )  # fmt: skip
    await take(lease=1e6)
    if what == "sweep":
        await board.clock.advance(60)
    before = await contents()
    process = start(tmp_path / "killed.py", KILLED, board.url, what)
    assert process.stdin is not None
    assert process.stdout is not None
    deaths = 0
    while True:
        process.stdin.write(f"{deaths + 1}\n")
        process.stdin.flush()
        ended = process.stdout.readline().strip()
        if ended != "killed":
            break
        deaths += 1
        assert await contents() == before
    process.stdin.close()
    assert process.wait() == 0
    assert process.stderr is not None
    assert (ended, process.stderr.read()) == ("ended 0", "")
    process.stdout.close()
    process.stderr.close()
    assert deaths >= 8  # reads and writes of one transaction; the last death came at its commit
    kinds = [event.kind for event in await board.events.find()]
    point = await board.sync_points.get("merge")
    expected = {
        "check in": ("sync_point.released", PointState.RELEASED),
        "complete": ("sync_point.released", PointState.RELEASED),
        "sweep": ("sync_point.substituted", PointState.OPEN),
        "give": ("task.handed_off", PointState.OPEN),
    }
    kind, state = expected[what]
    assert kinds.count(kind) == 1
    assert point.state is state
    released = state is PointState.RELEASED
    assert len(await board.tasks.find(assignee="max")) == released
    assert len(await board.tasks.find(assignee="leo")) == (not released)
    assert len(await board.messages.latest("dev")) == (2 if what == "sweep" else 1)
    assert len(await board.memories.newest(5)) == (what == "give")
