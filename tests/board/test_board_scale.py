"""Many real processes at one board, thousands of tasks; ``make chaos`` runs the whole scale."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import signal
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board, Event, NewTask, Priority, Source, TaskState
from neveridle.errors import NeveridleError

SKILLS = ("frontend", "backend", "testing")
# Who is there: two runs each carry one name, and each skill is with at least three of them.
AGENTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("sam", SKILLS),
    ("sam", SKILLS),
    ("leo", ("backend",)),
    ("leo", ("backend",)),
    ("quinn", ("frontend", "testing")),
    ("max", ("testing", "backend")),
    ("alex", SKILLS),
    ("grace", ("frontend",)),
)

WORKER = '''
"""Works until told to stop; says each thing once it is acknowledged."""
import asyncio, json, random, sys
from neveridle.board import Board, Source
from neveridle.errors import LeaseLost

url, agent, skills, lease, moody = sys.argv[1:]
skills, lease, moody = json.loads(skills), float(lease), moody == "moody"

async def act(board, one):
    """What becomes of an attempt; its end, as the board calls it."""
    mood = random.random() if moody else 1.0
    if mood < 0.06:
        await board.attempts.fail(one, code="x", error="failed", limit=3)
        return "failed"
    if mood < 0.09:
        await board.attempts.block(one, owner="human", action="look")
        return "blocked"
    if mood < 0.13:
        await board.attempts.park(one, on="ci", until=await board.clock.now() + 0.05)
        return "parked"
    if mood < 0.16:
        await board.attempts.release(one)
        return "released"
    if mood < 0.19:
        await asyncio.sleep(lease * 1.5)  # a zombie: somebody else may have it by now
    await board.attempts.complete(one)
    return "completed"

async def stopped():
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)

async def main():
    async with Board(url, create=False) as board:
        run = await board.runs.start(agent, role="r", skills=skills)
        print("ready", run, flush=True)
        await stopped()
        stop = asyncio.create_task(stopped())
        while not stop.done():
            for source in Source:
                claim = await board.attempts.claim(
                    agent=agent, run=run, skills=skills, source=source, lease=lease
                )
                if claim is None:
                    continue
                one = claim.attempt
                print("claimed", one.task_id, one.fence, flush=True)
                try:
                    print(await act(board, one), one.task_id, one.fence, flush=True)
                except LeaseLost:
                    print("lost", one.task_id, one.fence, flush=True)
                break
            else:
                await asyncio.sleep(0.002)
        await board.runs.end([run])

asyncio.run(main())
'''


@dataclass
class Worker:
    """A process at the board, and what it was told."""

    process: subprocess.Popen[str]
    errors: Path
    run: str = ""
    said: list[list[str]] = field(default_factory=list[list[str]])
    listener: threading.Thread = field(default_factory=threading.Thread)

    def tell(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def listen(self) -> None:
        """Keep what it says, from now on, on a thread: a full pipe would stop it."""
        self.listener = threading.Thread(target=self.hear)
        self.listener.start()

    async def ended(self) -> None:
        """Wait for its end."""
        while self.listener.is_alive():  # noqa: ASYNC110 - a thread, which tells nobody
            await asyncio.sleep(0.02)
        assert self.process.wait() in (0, -signal.SIGKILL), self.errors.read_text("utf-8")

    def hear(self) -> None:
        assert self.process.stdout is not None
        lines = self.process.stdout.readlines()
        # The last line of a killed process may be half a line.
        self.said = [line.split() for line in lines if line[-1] == "\n"]


Start = Callable[..., Worker]


@pytest.fixture
def start(tmp_path: Path, board_url: str) -> Generator[Start]:
    script = tmp_path / "worker.py"
    script.write_text(WORKER, encoding="utf-8")
    begun: list[Worker] = []

    def begin(agent: str, skills: tuple[str, ...], *, lease: float, moody: bool) -> Worker:
        said = json.dumps(skills), str(lease), "moody" if moody else ""
        command = [sys.executable, "-P", str(script), board_url, agent, *said]
        pipe = subprocess.PIPE
        errors = tmp_path / f"errors-{len(begun)}"
        with errors.open("w") as stderr:
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=stderr, text=True)
        begun.append(Worker(process, errors))
        return begun[-1]

    yield begin
    for worker in begun:
        with worker.process as process:
            process.kill()


def ready(worker: Worker) -> None:
    """Wait until it has opened the board."""
    assert worker.process.stdout is not None
    word, worker.run = worker.process.stdout.readline().split()
    assert word == "ready"


class Plan:
    """Random tasks: who waits for whom is a graph without circles."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.edges: dict[int, set[int]] = {}

    def task(self) -> NewTask:
        """One more, which waits for up to three of those there are."""
        chance, known = self.random, list(self.edges)
        skills = chance.sample(SKILLS, chance.choice((0, 0, 1, 1)))
        count = chance.choice((0, 0, 1, 1, 2, 3))
        # Mostly recent ones, so that the graph is deep as well as wide.
        recent = known[-50:] if chance.random() < 0.7 else known
        return NewTask(
            source=chance.choice(list(Source)),
            title=f"task {len(known)}",
            priority=Priority(chance.randrange(4)),
            assignee="sam" if chance.random() < 0.1 else None,
            skills=tuple(skills),
            after=tuple(chance.sample(recent, min(count, len(recent)))),
        )

    async def put(self, board: Board, count: int) -> None:
        """Put so many on the board."""
        for done in range(0, count, 50):
            new = [self.task() for _ in range(min(50, count - done))]
            for said, task in zip(new, await board.tasks.add_all(new), strict=True):
                self.edges[task.id] = set(said.after)


RECOUNTS = {
    "open_blockers": """
        SELECT t.id FROM tasks AS t WHERE t.open_blockers <> (
          SELECT count(*) FROM task_edges AS e JOIN tasks AS b ON b.id = e.blocker_id
          WHERE e.task_id = t.id AND b.state <> 'completed')""",
    "unblocks": """
        SELECT t.id FROM tasks AS t WHERE t.unblocks <> (
          SELECT count(*) FROM task_edges AS e JOIN tasks AS w ON w.id = e.task_id
          WHERE e.blocker_id = t.id AND t.state <> 'completed'
            AND w.state NOT IN ('completed', 'failed', 'cancelled'))""",
    "owners": """
        SELECT t.id FROM tasks AS t WHERE (t.state = 'in_progress') <> (
          EXISTS (SELECT 1 FROM attempts AS a WHERE a.task_id = t.id AND a.state = 'active'))""",
    "fences": """
        SELECT t.id FROM tasks AS t WHERE t.fence <> (
          SELECT count(*) FROM attempts AS a WHERE a.task_id = t.id)""",
}


async def histories(board: Board) -> dict[int, list[Event]]:
    """The events of each task, in their order."""
    found: dict[int, list[Event]] = defaultdict(list)
    last = 0
    while events := await board.events.find(after=last, limit=5000):
        last = events[-1].id
        for event in events:
            if event.task_id is not None:
                found[event.task_id].append(event)
    return found


ENDS = {
    "task.completed", "attempt.failed", "attempt.parked", "attempt.released", "attempt.expired",
}  # fmt: skip


def assert_one_owner_at_a_time(history: list[Event]) -> None:
    """Fences rise by one, and each attempt is over before the next one begins."""
    claims = [event for event in history if event.kind == "task.claimed"]
    assert [claim.fence for claim in claims] == list(range(1, len(claims) + 1))
    for claim, following in itertools.pairwise(claims):
        ends = [
            event.id
            for event in history
            if event.fence == claim.fence and event.kind in {*ENDS, "task.blocked"}
        ]
        cancelled = [event.id for event in history if event.kind == "task.cancelled"]
        assert any(claim.id < at < following.id for at in ends + cancelled)


@pytest.mark.postgres_in_chaos
@pytest.mark.chaos
@pytest.mark.timeout(3000)
async def test_eight_processes_complete_every_task_once(
    board_url: str, start: Start, chaos_scale: float
) -> None:
    plan, count = Plan(seed=1), int(10_000 * chaos_scale)
    async with Board(board_url) as board:
        await plan.put(board, count)
    workers = [start(name, skills, lease=600, moody=False) for name, skills in AGENTS]
    for worker in workers:
        ready(worker)
    for worker in workers:
        worker.tell()
        worker.listen()
    async with Board(board_url) as board:
        while (await board.tasks.counts())[TaskState.COMPLETED] < count:
            assert all(worker.process.poll() is None for worker in workers)
            await asyncio.sleep(0.1)
        for worker in workers:
            worker.tell()
        for worker in workers:
            await worker.ended()
        for name, query in RECOUNTS.items():
            assert await rows(board, query) == [], name
        history = await histories(board)
    said = Counter(int(task) for w in workers for word, task, _ in w.said if word == "completed")
    assert said == Counter(list(plan.edges))
    claimed, completed = dict[int, int](), dict[int, int]()
    for task in plan.edges:
        kinds = [event.kind for event in history[task]]
        assert kinds.count("task.claimed") == kinds.count("task.completed") == 1
        claimed[task] = history[task][kinds.index("task.claimed")].id
        completed[task] = history[task][kinds.index("task.completed")].id
    for task, blockers in plan.edges.items():
        assert all(completed[blocker] < claimed[task] for blocker in blockers)
    # Nobody starves: each has at least a tenth of an even share, also the one who can little.
    shares = [sum(word == "completed" for word, *_ in worker.said) for worker in workers]
    assert min(shares) >= count / len(workers) / 10, shares


async def rows(board: Board, query: str) -> list[Any]:
    """What a query finds."""
    from sqlalchemy import text

    return await board.database.read(lambda c: list(c.execute(text(query)).all()))


@pytest.mark.postgres_in_chaos
@pytest.mark.chaos
@pytest.mark.timeout(3000)
@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal that cannot be caught")
async def test_nothing_is_lost_while_everything_changes_and_processes_die(
    board_url: str, start: Start, chaos_scale: float
) -> None:
    """Tasks come, are cancelled, made to wait, failed and blocked; leases are short; and every
    now and then a process is killed. What is left in the end is completed, each task once."""
    plan, count, lease = Plan(seed=2), int(1500 * chaos_scale), 1.0
    everyone: list[Worker] = []

    def begin(name: str, skills: tuple[str, ...]) -> Worker:
        return start(name, skills, lease=lease, moody=True)

    async def set_off(worker: Worker) -> Worker:
        await asyncio.to_thread(ready, worker)
        worker.tell()
        worker.listen()
        everyone.append(worker)
        return worker

    async with Board(board_url) as board:
        await plan.put(board, count // 2)
        workers = [await set_off(begin(*agent)) for agent in AGENTS[:6]]
        chance, deaths = plan.random, 0
        disturb = disturbances(board, plan)
        while len(plan.edges) < count:
            await disturb[chance.randrange(len(disturb))]()
            await board.sweep(expirations=1000)
            if chance.random() < 8 / count:
                place = chance.randrange(len(workers))
                workers[place].process.kill()
                workers[place] = await set_off(begin(*AGENTS[place]))
                deaths += 1
        assert deaths
        await settle(board, workers)
        for worker in workers:
            worker.tell()
        for worker in everyone:
            await worker.ended()
        for name, query in RECOUNTS.items():
            assert await rows(board, query) == [], name
        history = await histories(board)
        edges = await rows(board, "SELECT task_id, blocker_id FROM task_edges")
        states = dict(await rows(board, "SELECT id, state FROM tasks"))
        attempts = {
            (task, fence): state
            for task, fence, state in await rows(
                board, "SELECT task_id, fence, state FROM attempts"
            )
        }
    assert set(states.values()) <= {"completed", "cancelled"}
    for events in history.values():
        assert_one_owner_at_a_time(events)
    # What was acknowledged is so, whoever died afterwards.
    for worker in everyone:
        for word, task, fence in worker.said:
            assert word in ("claimed", "lost") or attempts[int(task), int(fence)] == word
    ends: dict[int, list[Event]] = {
        task: [event for event in events if event.kind == "task.completed"]
        for task, events in history.items()
    }
    for task, state in states.items():
        assert len(ends[task]) == (state == "completed")
    for task, blocker in edges:
        if states[task] == "completed":
            (end,) = ends[task]
            begun = [
                e.id for e in history[task] if e.kind == "task.claimed" and e.fence == end.fence
            ]
            assert ends[blocker][0].id < begun[0]


def disturbances(board: Board, plan: Plan) -> list[Callable[[], Awaitable[object]]]:
    """What a team does to its board while it works."""
    chance = plan.random

    def some() -> int:
        return chance.choice(list(plan.edges)[-200:])

    async def allowed(work: Awaitable[object]) -> None:
        try:
            await work
        except NeveridleError as error:  # a conflict, or a circle: refused, as it has to be
            assert error.remedy is not None

    async def add() -> None:
        await plan.put(board, 1)

    async def cancel() -> None:
        if chance.random() < 0.2:
            await allowed(board.tasks.cancel(some()))

    async def depend() -> None:
        await allowed(board.tasks.depend(some(), some()))

    async def retry() -> None:
        for task in await board.tasks.find(states=[TaskState.BLOCKED]):
            await allowed(board.tasks.retry(task.id))

    return [add, add, add, cancel, depend, retry]


async def settle(board: Board, workers: list[Worker]) -> None:
    """Lead everything to its end: retry what asks for a person, release what is stuck."""
    while True:
        assert all(worker.process.poll() is None for worker in workers)
        await board.sweep(expirations=1000)
        for task in await board.tasks.find(states=[TaskState.BLOCKED]):
            await board.tasks.retry(task.id)
        for task in await board.tasks.stuck():
            for blocker in await board.tasks.blockers(task.id):
                if (await board.tasks.get(blocker)).state is TaskState.CANCELLED:
                    await board.tasks.release_dependency(task.id, blocker)
        counts = await board.tasks.counts()
        if not sum(n for state, n in counts.items() if state not in ("completed", "cancelled")):
            return
        await asyncio.sleep(0.05)
