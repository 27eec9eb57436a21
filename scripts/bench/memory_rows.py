"""What it costs to remember, and to follow what is remembered; embedding excluded."""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.harness import Pair, Sampler, row, timed
from bench.server import postgres
from neveridle.board import Board
from neveridle.board.memory_row import NewMemory, Signals

PEER = "Chroma's own add, vector and text"
SINGLE = 25
BATCH = 100
BATCHES = 10
ROWS = 100_000
SIZE = 384
TEXT = "The login test fails when the clock of the runner is ahead; freeze it before the fixture. "

_numbers = itertools.count()


def memories(count: int) -> list[NewMemory]:
    """New memories with all that recall computes with, as large as those of such a text are."""
    return [
        NewMemory(
            agent="sam", kind="learning", text=f"{next(_numbers)}: {TEXT}", tags=("login", "clock"),
            digest=os.urandom(16).hex(),
            signals=Signals("all-MiniLM-L6-v2", os.urandom(150), os.urandom(2 * SIZE),
                            os.urandom(24 * SIZE // 8)),
        )
        for _ in range(count)
    ]  # fmt: skip


@contextmanager
def opened(url: str = "") -> Generator[tuple[asyncio.Runner, Board]]:
    """A board: at a URL, or on SQLite in a new folder."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        board = Board(url or f"sqlite:///{Path(folder) / 'board.db'}")
        runner.run(board.open())
        try:
            yield runner, board
        finally:
            runner.run(board.close())


@contextmanager
def collection() -> Generator[Any]:
    """An empty collection of an embedded Chroma on the same disk."""
    import chromadb
    from chromadb.config import Settings

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(_env_file=None, anonymized_telemetry=False)  # type: ignore[call-arg]  # pydantic-settings takes it, untyped
        client = chromadb.PersistentClient(folder, settings=settings)
        yield client.create_collection(
            "memory", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        client.close()  # type: ignore[attr-defined]  # on the class, missing in its interface


def chroma(held: Any, count: int, batch: int) -> Sampler:
    """One row of Chroma's own add."""
    import numpy as np

    random = np.random.default_rng(0)

    def add() -> None:
        for _ in range(count):
            numbers = [next(_numbers) for _ in range(batch)]
            held.add(
                ids=[str(number) for number in numbers],
                embeddings=random.standard_normal((batch, SIZE), dtype=np.float32),
                metadatas=[{"agent": "sam"}] * batch,
                documents=[f"{number}: {TEXT}" for number in numbers],
            )

    return timed(add, count * batch)


def ours(runner: asyncio.Runner, board: Board, count: int, batch: int) -> Sampler:
    """One row of ours."""

    async def add() -> None:
        for _ in range(count):
            await board.memories.add(memories(batch))

    return timed(lambda: runner.run(add()), count * batch)


@row("remember one by one, durable, SQLite", floor=PEER, limit=0.1)
def one_by_one() -> Generator[Pair]:
    """One memory in a transaction of its own."""
    with opened() as (runner, board), collection() as held:
        yield Pair(ours(runner, board, SINGLE, 1), chroma(held, SINGLE, 1))


@row("remember a hundred at once, durable, SQLite, a row", floor=PEER, limit=0.5)
def by_hundreds() -> Generator[Pair]:
    """A hundred memories in one transaction."""
    with opened() as (runner, board), collection() as held:
        yield Pair(ours(runner, board, BATCHES, BATCH), chroma(held, BATCHES, BATCH))


@row("remember one by one, durable, PostgreSQL", floor=PEER, limit=None)
def one_by_one_postgres() -> Generator[Pair]:
    """The same on PostgreSQL."""
    with postgres() as server, opened(server.board()) as (runner, board), collection() as held:
        yield Pair(ours(runner, board, SINGLE, 1), chroma(held, SINGLE, 1))


@row("remember a hundred at once, durable, PostgreSQL, a row", floor=PEER, limit=None)
def by_hundreds_postgres() -> Generator[Pair]:
    """The same on PostgreSQL."""
    with postgres() as server, opened(server.board()) as (runner, board), collection() as held:
        yield Pair(ours(runner, board, BATCHES, BATCH), chroma(held, BATCHES, BATCH))


def sampler(runner: asyncio.Runner, ask: Callable[[], Awaitable[object]], times: int) -> Sampler:
    """One of several such questions."""

    async def many() -> None:
        for _ in range(times):
            await ask()

    return timed(lambda: runner.run(many()), times)


@contextmanager
def filled() -> Generator[tuple[asyncio.Runner, Board, sqlite3.Connection]]:
    """A board with very many memories, and a plain connection to it."""
    with opened() as (runner, board):
        for _ in range(ROWS // 1_000):
            runner.run(board.memories.add(memories(1_000)))
        plain = sqlite3.connect(board.url.removeprefix("sqlite:///"))
        try:
            yield runner, board, plain
        finally:
            plain.close()


@row("follow 100,000 memories with vectors, SQLite", floor="the same query in plain sqlite3",
     limit=None, rounds=5)  # fmt: skip
def follow() -> Generator[Pair]:
    """Everything from the first change on, as an index that is built anew does."""
    with filled() as (runner, board, plain):

        async def columns() -> None:
            after = 0
            while (page := await board.memories.columns(after, 5_000)).id:
                after = page.revision[-1]

        query = (
            "SELECT m.id, m.agent, m.kind, m.at, m.state, m.revision, s.terms, s.dense"
            " FROM memories AS m JOIN memory_signals AS s ON s.memory_id = m.id ORDER BY m.revision"
        )
        yield Pair(sampler(runner, columns, 1), timed(lambda: plain.execute(query).fetchall()))


@row("read 10 memories of 100,000, SQLite", floor="the same query in plain sqlite3", limit=None)
def read_some() -> Generator[Pair]:
    """What recall reads of its best hits."""
    with filled() as (runner, board, plain):
        ids = list(range(1, ROWS, ROWS // 10))

        def floor() -> None:
            query = f"SELECT * FROM memories WHERE id IN ({','.join('?' * len(ids))})"  # noqa: S608 - only marks
            for _ in range(200):
                plain.execute(query, ids).fetchall()

        yield Pair(sampler(runner, lambda: board.memories.get(ids), 200), timed(floor, 200))


@row("token vectors of 100 memories of 100,000, SQLite", floor="the same query in plain sqlite3",
     limit=None)  # fmt: skip
def read_tokens() -> Generator[Pair]:
    """What a rerank of the best hundred reads."""
    with filled() as (runner, board, plain):
        ids = list(range(1, ROWS, ROWS // 100))

        def floor() -> None:
            marks = ",".join("?" * len(ids))
            query = f"SELECT * FROM memory_tokens WHERE memory_id IN ({marks})"  # noqa: S608 - only marks
            for _ in range(50):
                plain.execute(query, ids).fetchall()

        yield Pair(sampler(runner, lambda: board.memories.tokens(ids), 50), timed(floor, 50))


@row("learn that no memory has changed, SQLite", floor="the same question in plain sqlite3",
     limit=None)  # fmt: skip
def nothing_new() -> Generator[Pair]:
    """What each recall asks first."""
    with opened() as (runner, board):
        runner.run(board.memories.add(memories(1)))
        plain = sqlite3.connect(board.url.removeprefix("sqlite:///"))

        def floor() -> None:
            for _ in range(1_000):
                plain.execute("SELECT revision FROM memory_revision").fetchone()

        yield Pair(sampler(runner, board.memories.revision, 1_000), timed(floor, 1_000))
        plain.close()
