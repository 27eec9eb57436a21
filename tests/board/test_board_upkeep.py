"""Space is given back while a team works, and the log does not grow without end."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest
from sqlalchemy import Connection, delete, insert

from neveridle.board import Board, NewTask, Source, TaskState
from neveridle.board.aging import DAY, Ages
from neveridle.board.schema import messages
from neveridle.board.sqlite.upkeep import SqliteUpkeep
from neveridle.board.sqlite.wal import WalTrimmer
from neveridle.board.upkeep import upkeep_for
from neveridle.errors import DiskFull, StateConflict

SECONDS = Ages(tasks=0.2 / DAY)
WORKER = """
import asyncio, sys
from neveridle.board import Board, Source

async def main():
    async with Board(sys.argv[1]) as board:
        run = await board.runs.start("sam", role="r", skills=[])
        print("ready", flush=True)
        while True:
            claim = await board.attempts.claim(
                agent="sam", run=run, skills=[], source=Source.BACKLOG, lease=600)
            if claim is None:
                return
            await board.attempts.complete(claim.attempt)
            print(claim.task.id, flush=True)

asyncio.run(main())
"""


def pragma(path: Path, name: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def said(stream: IO[str] | None) -> str:
    """All that a process has still to say."""
    assert stream is not None
    with stream:
        return stream.read()


def start(url: str) -> subprocess.Popen[str]:
    """A process that claims and completes until there is nothing left."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", WORKER, url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def fill(board: Board, count: int) -> None:
    new = [NewTask(source=Source.BACKLOG, title="work", description="x" * 500)] * count
    for start in range(0, count, 500):
        await board.tasks.add_all(new[start : start + 500])


async def bloat(url: str, rows: int = 3000) -> None:
    """Leave much free space in the database."""
    async with Board(url) as board:
        for _ in range(rows // 500):
            await board.database.write(_talk)
        await board.database.write(lambda c: c.execute(delete(messages)))


def _talk(c: Connection) -> None:
    c.execute(
        insert(messages),
        [{"channel": "dev", "author": "sam", "content": "y" * 4000, "at": 1.0}] * 500,
    )


async def test_a_new_board_can_give_space_back_little_by_little(sqlite_url: str) -> None:
    path = path_of(sqlite_url)
    assert pragma(path, "auto_vacuum") == 2
    assert await SqliteUpkeep(path).reclaim() == 0
    await bloat(sqlite_url)
    large = path.stat().st_size
    assert large > 8_000_000
    given = await SqliteUpkeep(path).reclaim()
    assert given > large / 2
    assert path.stat().st_size < large / 3
    assert pragma(path, "freelist_count") * 10 <= large / pragma(path, "page_size") + 2560


async def test_a_board_of_an_older_version_is_vacuumed_by_hand(sqlite_url: str) -> None:
    path = path_of(sqlite_url)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute("VACUUM")
    assert pragma(path, "auto_vacuum") == 0
    await bloat(sqlite_url)
    large = path.stat().st_size
    assert await SqliteUpkeep(path).reclaim() == 0
    assert await SqliteUpkeep(path).vacuum() > large / 2
    assert path.stat().st_size < large / 2
    assert pragma(path, "auto_vacuum") == 2
    assert path.with_name(f"{path.name}-wal").exists() is False


async def test_tidying_and_vacuum_harm_no_team_at_work(board_url: str) -> None:
    """Four processes claim and complete while both are done, again and again."""
    async with Board(board_url) as board:
        await fill(board, 600)
    workers = [start(board_url) for _ in range(4)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    during = gone = 0
    async with Board(board_url) as board:
        while any(worker.poll() is None for worker in workers):
            await upkeep_for(board_url).vacuum()
            gone += (await board.retention.tidy(SECONDS, holder="me"))["tasks"]
            during += 1
    ended = [(said(worker.stdout), said(worker.stderr), worker.wait()) for worker in workers]
    assert [(error, code) for _, error, code in ended] == [("", 0)] * 4
    numbers = [int(line) for out, _, _ in ended for line in out.split()]
    assert sorted(numbers) == list(range(1, 601))
    assert during > 0
    assert gone > 0
    async with Board(board_url) as board:
        assert (await board.tasks.counts())[TaskState.COMPLETED] == 600 - gone


async def test_a_vacuum_that_would_hold_a_team_up_is_refused(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upkeep = SqliteUpkeep(path_of(sqlite_url))
    monkeypatch.setattr("neveridle.board.sqlite.upkeep.BESIDE_A_TEAM", 1)
    async with Board(sqlite_url) as board:
        run = await board.runs.start("sam", role="r", skills=[])
        with pytest.raises(StateConflict, match="1 agents run on this board"):
            await upkeep.vacuum()
        await board.runs.end([run])
        await upkeep.vacuum()


async def test_a_vacuum_needs_space(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1000

    def usage(folder: Path) -> Usage:
        del folder
        return Usage()

    monkeypatch.setattr("neveridle.board.sqlite.upkeep.shutil.disk_usage", usage)
    with pytest.raises(DiskFull, match="free space"):
        await SqliteUpkeep(path_of(sqlite_url)).vacuum()


def readers(path: Path, stop: threading.Event) -> list[threading.Thread]:
    """Three who read all the time, so that there is always one."""

    def read(turn: threading.Event, following: threading.Event) -> None:
        with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
            while not stop.is_set():
                turn.wait(1)
                turn.clear()
                connection.execute("BEGIN")
                connection.execute("SELECT count(*) FROM tasks").fetchone()
                following.set()  # the next one begins before this one ends
                stop.wait(0.01)
                connection.execute("ROLLBACK")

    turns = [threading.Event() for _ in range(3)]
    started = [threading.Thread(target=read, args=(turns[n], turns[(n + 1) % 3])) for n in range(3)]
    turns[0].set()
    for one in started:
        one.start()
    return started


async def test_the_log_stays_short_while_others_always_read(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neveridle.board.sqlite.wal.LIMIT", 1 << 20)
    path, stop = path_of(sqlite_url), threading.Event()
    log, longest, written = path.with_name(f"{path.name}-wal"), 0, 0
    async with Board(sqlite_url) as board:
        started = readers(path, stop)
        try:
            for _ in range(800):
                before = log.stat().st_size
                await board.messages.post("dev", "sam", "x" * 2000)
                longest = max(longest, log.stat().st_size)
                written += max(0, log.stat().st_size - before)
        finally:
            stop.set()
            for one in started:
                one.join()
    assert written > 3 << 20
    assert longest < written  # it was cut while they read


async def test_the_log_is_cut_once_a_long_reader_is_gone(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neveridle.board.sqlite.wal.WAIT", 0.01)
    path = path_of(sqlite_url)
    trimmer = WalTrimmer(path)
    async with Board(sqlite_url) as board:
        with closing(sqlite3.connect(path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM tasks").fetchone()
            for _ in range(300):
                await board.messages.post("dev", "sam", "x" * 2000)
            assert trimmer.size() > 1 << 20
            assert not trimmer.trim()
            assert reader.execute("SELECT count(*) FROM messages").fetchone() == (0,)
            reader.rollback()
        assert trimmer.trim()
        assert trimmer.size() == 0
        assert len(await board.messages.latest("dev", limit=1000)) == 300
