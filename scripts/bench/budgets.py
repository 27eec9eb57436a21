"""What a budget costs around each call of a model, and an event on top of its transaction."""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.harness import Pair, Sampler, row, timed
from bench.server import postgres
from neveridle.board import Board
from neveridle.board.budget import Call, Cap
from neveridle.board.sqlite.connection import connect, transaction

CALLS = 50
EVENTS = 200
SCOPES = ("agent:sam", "day", "improvement", "task:1", "team")
CALL = Call(run="run-1", agent="sam", purpose="work", model="openai:gpt-5", tokens=20_000,
            nanos=50_000_000, seconds=600, task=1, fence=1)  # fmt: skip
CAPS = [Cap(scope=scope, window="2026-03-01", tokens=1 << 50) for scope in SCOPES]
DATA = {
    "purpose": "work", "model": "gpt-5-2025-08-07", "name": "openai:gpt-5", "input_tokens": 9_000,
    "output_tokens": 800, "cache_read_tokens": 7_000, "cache_write_tokens": 0,
    "cost": 12_345_678, "seconds": 8.25, "tries": 1, "rung": "backlog",
}  # fmt: skip
AROUND = "reserve and settle around a model call, five budgets"
EVENT = "an event on top of its transaction"

# The least that changes the same rows, decided beforehand and asked of nobody.
HOLD = "UPDATE budgets SET held_tokens = held_tokens + 1 WHERE scope = {0} AND \"window\" = 'x'"
MADE = """
INSERT INTO reservations (run, agent, purpose, model, tokens, nanos, scopes, made_at, until)
VALUES ('r', 'sam', 'work', 'm', 1, 1, {0}, 0, 1e12) RETURNING id
"""
GONE = "DELETE FROM reservations WHERE id = {0}"
SAID = "INSERT INTO events (at, kind, agent, data) VALUES (0, 'model.call', 'sam', {0})"


@contextmanager
def opened(url: str = "") -> Generator[tuple[asyncio.Runner, Board, Path]]:
    """A board with its windows: at a URL, or on SQLite in a new folder."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        path = Path(folder) / "board.db"
        board = Board(url or f"sqlite:///{path}")
        runner.run(board.open())
        try:
            runner.run(around(board))
            bare = [Cap(scope=scope, window="x") for scope in SCOPES]
            held = runner.run(board.budgets.reserve(CALL, bare))
            assert held is not None
            runner.run(board.budgets.cancel(held))
            yield runner, board, path
        finally:
            runner.run(board.close())


async def around(board: Board) -> None:
    """What is done around one call."""
    held = await board.budgets.reserve(CALL, CAPS)
    assert held is not None
    await board.budgets.settle(held, tokens=9_800, nanos=12_345_678, event=DATA)


def ours(runner: asyncio.Runner, board: Board) -> Sampler:
    """Our own way, many times."""

    async def many() -> None:
        for _ in range(CALLS):
            await around(board)

    return timed(lambda: runner.run(many()), CALLS)


@row(AROUND, floor="two bare transactions of the same rows", limit=3.0)
def around_a_call() -> Generator[Pair]:
    """The first one waits for the disk, on both sides."""
    with opened() as (runner, board, path):
        durable, quick = connect(path, durable=True), connect(path, durable=False)
        scopes = json.dumps([[scope, "x"] for scope in SCOPES])
        hold, keys = HOLD.format("?"), [(scope,) for scope in SCOPES]

        def bare() -> None:
            for _ in range(CALLS):
                with transaction(durable) as c:
                    c.executemany(hold, keys)
                    (made,) = c.execute(MADE.format("?"), (scopes,)).fetchone()
                with transaction(quick) as c:
                    c.execute(GONE.format("?"), (made,))
                    c.executemany(hold, keys)
                    c.execute(SAID.format("?"), (json.dumps(DATA),))

        try:
            yield Pair(ours=ours(runner, board), floor=timed(bare, CALLS))
        finally:
            durable.close()
            quick.close()


@row(f"{AROUND}, PostgreSQL", floor="two bare transactions of the same rows", limit=3.0)
def around_a_call_of_a_fleet() -> Generator[Pair]:
    """The same; each of the bare ones is sent as one message, too."""
    import psycopg

    with postgres() as server, opened(server.board()) as (runner, board, _):
        hold, scopes = HOLD.format("%s"), json.dumps([[scope, "x"] for scope in SCOPES])
        with psycopg.connect(board.url, autocommit=True, prepare_threshold=0) as c:

            def first() -> int:
                c.execute("SET synchronous_commit = on")
                with c.transaction(), c.pipeline():
                    for scope in SCOPES:
                        c.execute(hold.encode(), (scope,))
                    made = c.execute(MADE.format("%s").encode(), (scopes,))
                found = made.fetchone()
                assert found is not None
                return int(found[0])

            def bare() -> None:
                for _ in range(CALLS):
                    made = first()
                    c.execute("SET synchronous_commit = off")
                    with c.transaction(), c.pipeline():
                        c.execute(GONE.format("%s").encode(), (made,))
                        for scope in SCOPES:
                            c.execute(hold.encode(), (scope,))
                        c.execute(SAID.format("%s").encode(), (json.dumps(DATA),))

            yield Pair(ours=ours(runner, board), floor=timed(bare, CALLS))


def settling(runner: asyncio.Runner, board: Board, before: Callable[[], None]) -> Sampler:
    """What settling takes, the median of many: tens of µs drown where others have the CPU."""

    def sample() -> float:
        held = [runner.run(board.budgets.reserve(CALL, CAPS)) for _ in range(EVENTS)]
        before()

        async def many() -> list[float]:
            took: list[float] = []
            for one in held:
                assert one is not None
                begin = time.perf_counter()
                await board.budgets.settle(one, tokens=9_800, nanos=12_345_678, event=DATA)
                took.append(time.perf_counter() - begin)
            return took

        return statistics.median(runner.run(many()))

    return sample


@row(EVENT, floor="the same settling of a call without it", compare="difference", limit=50e-6)
def event() -> Generator[Pair]:
    """A call is settled with its event, and without."""
    with opened() as (runner, board, _):
        paths: Any = board.database.budgets
        log = paths._log

        def nothing(*given: Any) -> None:
            del given

        def silent() -> None:
            paths._log = nothing

        def aloud() -> None:
            paths._log = log

        yield Pair(ours=settling(runner, board, aloud), floor=settling(runner, board, silent))


@row(
    f"{EVENT}, PostgreSQL", floor="the same settling of a call without it", compare="difference",
    limit=50e-6,
)  # fmt: skip
def event_of_a_fleet() -> Generator[Pair]:
    """The statement with the part that logs, and without."""
    from neveridle.board.postgres.wire import Statement

    with postgres() as server, opened(server.board()) as (runner, board, _):
        paths: Any = board.database.budgets
        whole: Statement = paths._hot["settle"]
        head, _, tail = whole.text.partition(", logged AS (")
        event = f"${whole.parameters.index('event') + 1}"
        assert tail.count("INSERT INTO events") == 1
        cut = f"{head}\nSELECT count(*), max({event}::text) FROM taken"
        without = Statement(f"{whole.name}_silent", cut, whole.parameters)

        def use(statement: Statement) -> Callable[[], None]:
            return lambda: paths._hot.update(settle=statement)

        yield Pair(
            ours=settling(runner, board, use(whole)), floor=settling(runner, board, use(without))
        )


def ordinary(runner: asyncio.Runner, board: Board, *, events: int) -> Sampler:
    """What an ordinary transaction takes that changes one row and logs so many events; the
    median of many, as most of it waits for the disk."""
    from sqlalchemy import Connection, text

    from neveridle.board.sql import log

    change = text("UPDATE budgets SET calls = calls + 1 WHERE scope = 'team'")
    numbers = itertools.count()

    def work(c: Connection) -> None:
        c.execute(change)
        for _ in range(events):
            log(c, "model.call", {**DATA, "n": next(numbers)}, agent="sam", run="r", task=1)

    async def many() -> list[float]:
        took: list[float] = []
        for _ in range(CALLS):
            begin = time.perf_counter()
            await board.database.write(work)
            took.append(time.perf_counter() - begin)
        return took

    return lambda: statistics.median(runner.run(many()))


@row(f"{EVENT}, an ordinary one", floor="the same without it", compare="difference", limit=50e-6)
def ordinary_event() -> Generator[Pair]:
    """By SQLAlchemy, as whatever happens seldom; each waits for the disk."""
    with opened() as (runner, board, _):
        yield Pair(ours=ordinary(runner, board, events=1), floor=ordinary(runner, board, events=0))


@row(
    f"{EVENT}, an ordinary one, PostgreSQL", floor="the same without it", compare="difference",
    limit=None,
)  # fmt: skip
def ordinary_event_of_a_fleet() -> Generator[Pair]:
    """The same; an event is a round trip more."""
    with postgres() as server, opened(server.board()) as (runner, board, _):
        yield Pair(ours=ordinary(runner, board, events=1), floor=ordinary(runner, board, events=0))
