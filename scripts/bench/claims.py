"""What finding the next task costs on a full board, and what finished ones add to it."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.harness import Pair, row, timed
from bench.server import postgres
from neveridle.board import Board, NewTask, Source
from neveridle.board.queries import load_queries

MANY = 100_000
FEW = 1_000
LOOKS = 200
FINISHED = 200_000
PAIRS = 100

Sql = Callable[[str], object]
Look = Callable[[], object]

# The least that answers the question: the index of what is runnable, and the skills it takes.
FIRST = """
SELECT t.id FROM tasks AS t
WHERE t.state = 'pending' AND t.open_blockers = 0 AND t.source = 'backlog' AND (
  SELECT count(*) FROM task_skills AS s WHERE s.task_id = t.id AND s.skill <> 'backend') = 0
ORDER BY t.priority DESC, t.unblocks DESC, t.id LIMIT 1
"""

# One in ten can run; all others wait for the first task. {numbers} yields n = 1, 2, ….
BLOCKED = (
    """
    INSERT INTO tasks (source, title, skills, services, acceptance, budget, open_blockers,
      created_at, updated_at)
    SELECT 'backlog', 'Task', '["backend"]', '[]', '[]', '{{}}',
      CASE WHEN n % 10 = 0 THEN 0 ELSE 1 END, 0, 0
    FROM {numbers}
    """,
    "INSERT INTO task_skills (task_id, skill) SELECT id, 'backend' FROM tasks WHERE id > 1",
    "INSERT INTO task_edges (task_id, blocker_id) SELECT id, 1 FROM tasks WHERE open_blockers > 0",
)

SERIES = {
    "postgresql": "generate_series(1, {count}) AS n",
    "sqlite": "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c"
    " WHERE n < {count}) SELECT n FROM c)",
}

DONE = (
    """
    INSERT INTO tasks (source, title, skills, services, acceptance, budget, state, fence,
      created_at, updated_at, completed_at)
    SELECT 'backlog', 'Task', '["backend"]', '[]', '[]', '{{}}', 'completed', 1, 0, 0, 0
    FROM {numbers}
    """,
    "INSERT INTO task_skills (task_id, skill) SELECT id, 'backend' FROM tasks",
    """
    INSERT INTO attempts (task_id, fence, run, agent, number, state, lease_until, started_at,
      branch, base, "commit", error_code, error)
    SELECT id, 1, 'run', 'sam', 1, 'completed', 0, 0, '', '', '', '', '' FROM tasks
    """,
    """
    INSERT INTO events (at, kind, task_id, fence, data)
    SELECT 0, 'task.completed', id, 1, '{{}}' FROM tasks
    """,
)


class Place:
    """A board, and its database as plain SQL reaches it."""

    def __init__(self, runner: asyncio.Runner, url: str, sql: Sql, look: dict[str, Look]) -> None:
        self.runner = runner
        self.sql = sql
        self.board = runner.run(Board(url).open())
        self.look = look

    def fill(self, statements: Sequence[str], count: int) -> None:
        """Run statements that put so many rows there."""
        for statement in statements:
            series = SERIES[self.board.url.partition(":")[0]].format(count=count)
            self.sql(statement.format(numbers=series))
        lite = self.board.url.startswith("sqlite")
        self.sql("ANALYZE" if lite else "VACUUM (ANALYZE)")
        # What was just written in bulk is not to be written again while something is measured.
        self.sql("PRAGMA wal_checkpoint(TRUNCATE)" if lite else "CHECKPOINT")


@contextmanager
def on_sqlite() -> Generator[Place]:
    """A new board in a file."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        path = Path(folder) / "board.db"
        plain = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        peek = load_queries("neveridle.board.sqlite", "hot.sql")["peek"]
        given = {"agent": "sam", "skills": '["backend"]', "source": "backlog"}
        look: dict[str, Look] = {
            "first": lambda: plain.execute(FIRST).fetchone(),
            "peek": lambda: plain.execute(peek, given).fetchone(),
        }
        place = Place(runner, f"sqlite:///{path}", plain.execute, look)
        try:
            yield place
        finally:
            runner.run(place.board.close())
            plain.close()


@contextmanager
def on_postgres() -> Generator[Place]:
    """A new board on a server."""
    with postgres() as server, asyncio.Runner() as runner:
        import psycopg

        from neveridle.board.postgres.session import HOT

        url = server.board()
        with psycopg.connect(url, autocommit=True, prepare_threshold=0) as plain:
            plain.execute(HOT.encode(), prepare=False)
            peek = load_queries("neveridle.board.postgres", "hot.sql")["peek"].encode()
            first = FIRST.encode()
            given = {"agent": "sam", "skills": ["backend"], "source": "backlog"}
            look: dict[str, Look] = {
                "first": lambda: plain.execute(first).fetchone(),
                "peek": lambda: plain.execute(peek, given).fetchone(),
            }

            def sql(statement: str) -> object:
                return plain.execute(statement.encode(), prepare=False)

            place = Place(runner, url, sql, look)
            try:
                yield place
            finally:
                runner.run(place.board.close())


def looks(place: Place, way: str) -> Callable[[], object]:
    """Finding the next task so often, some way."""

    async def through_the_board() -> None:
        for _ in range(LOOKS):
            assert await place.board.attempts.peek("sam", ["backend"], Source.BACKLOG)

    async def hop() -> None:
        """The least that does not hold up the event loop."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as thread:
            for _ in range(LOOKS):
                await loop.run_in_executor(thread, place.look["first"])

    if way == "hop":
        return lambda: place.runner.run(hop())

    def directly() -> None:
        for _ in range(LOOKS):
            assert place.look[way]()

    return directly if way in place.look else lambda: place.runner.run(through_the_board())


def blocked(place: Place, count: int) -> Place:
    """A board of so many tasks, 90 % of them blocked by the first."""
    new = NewTask(source=Source.ROADMAP, title="The blocker")
    place.runner.run(place.board.tasks.add(new))
    place.fill(BLOCKED, count)
    return place


def pairs(place: Place) -> Callable[[], object]:
    """Adding, claiming and completing so many tasks; only the latter two are of interest."""
    board, claimed = place.board, 0

    async def work() -> None:
        nonlocal claimed
        new = NewTask(source=Source.BACKLOG, title="Task", skills=("backend",))
        if not claimed % (10 * PAIRS):  # enough for ten rounds
            await board.tasks.add_all([new] * 10 * PAIRS)
        for _ in range(PAIRS):
            claim = await board.attempts.claim(
                agent="sam", run="run", skills=["backend"], source=Source.BACKLOG, lease=600
            )
            assert claim is not None
            await board.attempts.complete(claim.attempt)
            claimed += 1

    return lambda: place.runner.run(work())


def _rows(database: str, opened: Any) -> None:
    name = f"next runnable task among 100,000, 90 % blocked, {database}"

    def against_first(way: str, other: str = "first") -> Generator[Pair]:
        with opened() as place:
            blocked(place, MANY)
            yield Pair(
                ours=timed(looks(place, way), LOOKS), floor=timed(looks(place, other), LOOKS)
            )

    @row(f"{name}: the statement alone", floor="index and skills, raw", limit=3.0)
    def statement() -> Generator[Pair]:
        yield from against_first("peek")

    @row(f"{name}: through `Board`", floor="index and skills, raw, one hop", limit=6.0)
    def through_the_board() -> Generator[Pair]:
        yield from against_first("board", "hop")

    @row(name, floor="among 1,000", limit=2.0)
    def flat() -> Generator[Pair]:
        with ExitStack() as stack:
            many, few = (blocked(stack.enter_context(opened()), count) for count in (MANY, FEW))
            yield Pair(
                ours=timed(looks(many, "board"), LOOKS), floor=timed(looks(few, "board"), LOOKS)
            )

    @row(f"claim + complete beside 200,000 finished tasks, {database}", floor="beside 1,000",
         limit=1.2, rounds=9)  # fmt: skip
    def growth() -> Generator[Pair]:
        with ExitStack() as stack:
            many, few = stack.enter_context(opened()), stack.enter_context(opened())
            many.fill(DONE, FINISHED)
            few.fill(DONE, FEW)
            yield Pair(ours=timed(pairs(many), PAIRS), floor=timed(pairs(few), PAIRS))


_rows("SQLite", on_sqlite)
_rows("PostgreSQL", on_postgres)
