"""One process of a contest: ``python -m bench.worker KIND URL NAME``.

It says "ready"; then for each line it reads, it works until nothing is left to claim, and
says as JSON how much it did, when it began and ended, and how long each task took.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SKILLS = ["python"]
LEASE = 600.0
Task = Callable[[], bool]


def rounds(task: Task) -> None:
    """Work, whenever told to, until ``task`` says that there was none."""
    print("ready", flush=True)
    for _ in sys.stdin:
        took: list[float] = []
        begin = time.time()
        while True:
            before = time.perf_counter()
            if not task():
                break
            took.append(time.perf_counter() - before)
        say(took, begin)


def say(took: list[float], begin: float) -> None:
    """One round's outcome."""
    end = time.time()
    print(json.dumps({"begin": begin, "end": end, "took": took}), flush=True)


@contextmanager
def board(url: str, name: str, *, mixed: bool = False) -> Generator[Task]:
    """Through ``Board``, as an agent does it."""
    from neveridle.board import Board, NewTask, Phase, Source

    with asyncio.Runner() as runner:
        opened = runner.run(Board(url, create=False).open())
        run = runner.run(opened.runs.start(name, role="r", skills=SKILLS))

        async def one() -> bool:
            claim = await opened.attempts.claim(
                agent=name, run=run, skills=SKILLS, source=Source.BACKLOG, lease=LEASE
            )
            if claim is None:
                return False
            if mixed:
                for phase in (Phase.WORKED, Phase.VERIFIED, Phase.DELIVERED):
                    await opened.attempts.record(claim.attempt, phase=phase)
                await opened.tasks.add(NewTask(source=Source.ROADMAP, title="found meanwhile"))
            await opened.attempts.complete(claim.attempt)
            return True

        try:
            yield lambda: runner.run(one())
        finally:
            runner.run(opened.close())


@contextmanager
def raw_postgres(url: str, name: str) -> Generator[Task]:
    """The same statements, prepared, on the same two kinds of connection; plain psycopg."""
    import psycopg

    from neveridle.board.postgres.session import DURABLE, HOT, LIMITS, QUICK
    from neveridle.board.queries import load_queries

    queries = load_queries("neveridle.board.postgres", "hot.sql")
    claim, complete = (queries[path].encode() for path in ("claim", "complete"))
    given = {"agent": name, "run": name, "skills": SKILLS, "source": "backlog", "lease": LEASE}
    with (
        psycopg.connect(url, autocommit=True, prepare_threshold=0) as quick,
        psycopg.connect(url, autocommit=True, prepare_threshold=0) as durable,
    ):
        quick.execute((LIMITS + HOT + QUICK).encode(), prepare=False)
        durable.execute((LIMITS + HOT + DURABLE).encode(), prepare=False)

        def one() -> bool:
            cursor = quick.execute(claim, given)
            row = cursor.fetchone()
            if row is None:
                return False
            ends = {"task": row[0], "fence": 1, "run": name, "learning": None, "within": False}
            return durable.execute(complete, ends).fetchone() is not None

        yield one


@contextmanager
def raw_sqlite(url: str, name: str) -> Generator[Task]:
    """The same statements in the same two transactions; plain sqlite3, on one thread."""
    from neveridle.board.queries import load_queries
    from neveridle.board.sqlite.connection import connect, retrying, transaction

    path = Path(url.removeprefix("sqlite:///"))
    sql = load_queries("neveridle.board.sqlite", "hot.sql")
    quick, durable = connect(path, durable=False), connect(path, durable=True)
    look = {"agent": name, "skills": json.dumps(SKILLS), "source": "backlog"}
    begin: dict[str, Any] = {
        "run": name, "agent": name, "lease": LEASE, "number": 1, "resumes": None,
        "phase": "claimed", "branch": "", "base": "", "commit": "", "outcome": None,
        "evidence": None,
    }  # fmt: skip

    def event(c: sqlite3.Connection, kind: str, task: int) -> None:
        c.execute(
            sql["event"],
            {"kind": kind, "agent": name, "run": name, "task": task, "fence": 1, "data": "{}"},
        )

    def claim() -> int | None:
        with transaction(quick) as c:
            found = c.execute(sql["peek"], look).fetchone()
            if found is None:
                return None
            task = int(found[0])
            c.execute(sql["take"], {"task": task}).fetchone()
            c.execute(sql["attempt"], {"task": task, "fence": 0}).fetchone()
            c.execute(sql["begin_attempt"], {"task": task, "fence": 1, **begin}).fetchone()
            event(c, "task.claimed", task)
            return task

    def complete(task: int) -> None:
        ends = {"task": task, "fence": 1, "run": name, "state": "completed", "phase": "reflected"}
        with transaction(durable) as c:
            c.execute(sql["end_attempt"], ends).fetchone()
            c.execute(sql["complete_task"], {"task": task}).fetchone()
            event(c, "task.completed", task)
            c.execute(sql["unblock_dependants"], {"task": task}).fetchall()
            c.execute(sql["waiting_parent"], {"task": None, "on": f"task:{task}"}).fetchone()

    def one() -> bool:
        task = retrying(claim, path)
        if task is None:
            return False
        retrying(lambda: complete(task), path)
        return True

    try:
        yield one
    finally:
        quick.close()
        durable.close()


def main(kind: str, url: str, name: str) -> None:
    """Take part until stdin ends."""
    match kind:
        case "board" | "mixed":
            part = board(url, name, mixed=kind == "mixed")
        case "raw":
            part = (raw_sqlite if url.startswith("sqlite") else raw_postgres)(url, name)
        case _:
            raise ValueError(kind)
    with part as task:
        rounds(task)


if __name__ == "__main__":
    main(*sys.argv[1:])
