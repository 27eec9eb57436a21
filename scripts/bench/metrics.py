"""Metrics over a log of a million events, and what its indexes cost those who write to it."""

from __future__ import annotations

import asyncio
import atexit
import itertools
import json
import random
import sqlite3
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from bench.harness import Pair, Sampler, row, scaled, timed
from bench.server import postgres
from neveridle.board import Board
from neveridle.board.metrics import Window

EVENTS = 1_000_000
MONTH = 30 * 86_400.0
START = 1_700_000_000.0
FLOOR = "count(*) of the same log"
COLUMNS = "at, kind, agent, run, task_id, fence, data"
Row = tuple[float, str, str, str | None, int | None, int | None, str]


def mix(count: int) -> Iterator[Row]:
    """A month of ten agents: some 25 events for each attempt, a fifth of which fail."""
    chance = random.Random(7)
    made: Iterator[Row] = itertools.chain.from_iterable(
        attempt(number, START + MONTH * number * 25 / count, chance) for number in itertools.count()
    )
    return itertools.islice(made, count)


def attempt(number: int, at: float, chance: random.Random) -> Iterator[Row]:
    """The events of one attempt, in their order."""
    agent = f"agent-{number % 10}"
    run, task, started = f"run-{number // 200}-{number % 10}", number * 4 // 5 + 1, at
    rung = chance.choice(["dispatch", "backlog", "roadmap", "improvement"])

    def event(kind: str, /, **data: Any) -> Row:
        nonlocal at
        at += chance.random() * 60
        return at, kind, agent, run, task, 1, json.dumps(data)

    yield event("task.claimed", source=rung, number=1, resumes=None)
    for call in range(8):
        purpose = "learn" if call == 7 else "work"
        yield event(
            "model.call", purpose=purpose, model="gpt-5-2025-08-07", name="openai:gpt-5",
            input_tokens=chance.randint(2_000, 60_000), output_tokens=chance.randint(50, 2_000),
            cache_read_tokens=1_024, cache_write_tokens=0, cost=chance.randint(10**6, 10**8),
            seconds=round(chance.random() * 20, 3), tries=chance.choice([1, 1, 1, 1, 2]),
            rung=rung,
        )  # fmt: skip
        yield event("tool.call", tool="run", seconds=round(chance.random(), 3), ok=True)
    for phase in ("worked", "verified", "delivered", "reflected"):
        yield event("attempt.phase", phase=phase)
    yield event("service.calls", service="github", calls=40, retries=chance.randint(0, 3))
    if chance.random() < 0.2:
        yield event("attempt.failed", code="verify-failed", error="x" * 200, failures=1,
                    started_at=started)  # fmt: skip
    else:
        yield event("task.completed", started_at=started)
    if number % 25 == 0:
        yield event("task.escalated", level="PEER_ASSIST", to="leo")
    if number % 200 == 199:
        yield event("run.ended", started_at=started - 3_600)


@contextmanager
def filled(url: str, load: Any, count: int) -> Generator[tuple[asyncio.Runner, Board]]:
    """A board with so many events, and its time at their end."""
    with asyncio.Runner() as runner:
        board = Board(url)
        runner.run(board.open())
        try:
            load(mix(count))
            runner.run(board.clock.script(START + MONTH + 86_400))
            yield runner, board
        finally:
            with suppress(RuntimeError):  # the interpreter ends: it takes no work of threads
                runner.run(board.close())


@contextmanager
def on_sqlite(count: int) -> Generator[tuple[asyncio.Runner, Board, Sampler]]:
    """The log on SQLite, and the floor."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "board.db"

        def load(rows: Iterator[Row]) -> None:
            with closing(sqlite3.connect(path)) as plain, plain:
                plain.executemany(
                    f"INSERT INTO events ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own
                    rows,
                )

        with (
            filled(f"sqlite:///{path}", load, count) as (runner, board),
            closing(sqlite3.connect(path)) as plain,
        ):
            query = "SELECT count(*) FROM events"
            yield runner, board, timed(lambda: plain.execute(query).fetchone())


@contextmanager
def on_postgres(count: int) -> Generator[tuple[asyncio.Runner, Board, Sampler]]:
    """The log on PostgreSQL, and the floor."""
    import psycopg

    with postgres() as server:
        url = server.board()

        def load(rows: Iterator[Row]) -> None:
            with psycopg.connect(url) as plain:
                with plain.cursor().copy(f"COPY events ({COLUMNS}) FROM STDIN".encode()) as copy:
                    for one in rows:
                        copy.write_row(one)
                plain.commit()
                plain.autocommit = True
                plain.execute("VACUUM (ANALYZE) events")

        with (
            filled(url, load, count) as (runner, board),
            psycopg.connect(url, autocommit=True) as plain,
        ):
            yield (
                runner,
                board,
                timed(lambda: plain.execute("SELECT count(*) FROM events").fetchone()),
            )


WHOLE = Window(0.0, START + MONTH * 2)
DAY = Window(START + MONTH / 2, START + MONTH / 2 + 86_400)
Compare = Literal["ours", "ratio"]
NAMES: dict[str, Any] = {"SQLite": on_sqlite, "PostgreSQL": on_postgres}
_kept: dict[str, tuple[asyncio.Runner, Board, Sampler]] = {}
_stack = ExitStack()
atexit.register(_stack.close)


def board_of(name: str) -> tuple[asyncio.Runner, Board, Sampler]:
    """The log on one database: made for the first row that asks, there until the end."""
    if name not in _kept:
        _kept[name] = _stack.enter_context(NAMES[name](scaled(EVENTS)))
    return _kept[name]


def asking(name: str, window: Window, *, series: bool, compare: Compare, limit: float | None,
           what: str) -> None:  # fmt: skip
    """Register one row."""

    @row(f"metrics of {what}, 1,000,000 events, {name}", floor=FLOOR, compare=compare, limit=limit,
         rounds=5)  # fmt: skip
    def prepare() -> Generator[Pair]:
        runner, board, floor = board_of(name)

        def ask() -> None:
            if series:
                runner.run(board.metrics.series(window, width=3_600.0))
            else:
                runner.run(board.metrics.of(window))

        yield Pair(timed(ask), floor)


for database in NAMES:
    asking(database, WHOLE, series=False, compare="ours", limit=1.0, what="all time")
    asking(database, WHOLE, series=False, compare="ratio", limit=None, what="all time (ratio)")
    asking(database, DAY, series=False, compare="ours", limit=1.0, what="one day")
    asking(database, DAY, series=True, compare="ours", limit=None, what="one day by hours")


@row("write a model call to the log, SQLite", floor="without the indexes of metrics",
     compare="difference", limit=50e-6)  # fmt: skip
def writing() -> Generator[Pair]:
    """The share of the indexes in what an event costs; a transaction of a thousand."""
    calls = [one for one in mix(4_000) if one[1] == "model.call"][:1_000]
    insert = f"INSERT INTO events ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - our own
    with tempfile.TemporaryDirectory() as folder:

        async def make(name: str) -> None:
            async with Board(f"sqlite:///{Path(folder) / name}"):
                pass

        asyncio.run(make("with.db"))
        asyncio.run(make("without.db"))
        with (
            closing(sqlite3.connect(Path(folder) / "with.db")) as ours,
            closing(sqlite3.connect(Path(folder) / "without.db")) as bare,
        ):
            for name in ("spent", "services", "claims", "ends"):
                bare.execute(f"DROP INDEX ix_events_{name}")

            def write(plain: sqlite3.Connection) -> None:
                with plain:
                    for one in calls:
                        plain.execute(insert, one)

            yield Pair(timed(lambda: write(ours), 1_000), timed(lambda: write(bare), 1_000))
