"""The board's file: what opening it can meet, what is durable, what looking costs."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board, Claim, HandoffDocument, NewTask, Phase, Source, Task, TaskState
from neveridle.board.memory_row import NewMemory
from neveridle.board.queries import load_queries
from neveridle.board.sqlite import connection as sqlite_connection
from neveridle.board.sqlite import database as sqlite_database
from neveridle.errors import BoardUnusable, DiskFull

Add = Callable[..., Awaitable[Task]]
Take = Callable[..., Awaitable[Claim]]


@pytest.fixture
def board_url(sqlite_url: str) -> str:
    return sqlite_url


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


# --- opening


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///", "mysql://x/y", "board.db"])
def test_a_url_of_no_known_kind_is_refused(url: str) -> None:
    with pytest.raises(BoardUnusable) as error:
        Board(url)
    assert "sqlite:///PATH" in error.value.remedy


def test_a_board_in_memory_is_refused() -> None:
    with pytest.raises(BoardUnusable, match="memory"):
        Board("sqlite:///:memory:")


async def test_a_board_is_made_only_where_that_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "ü.db"
    with pytest.raises(BoardUnusable, match="no board at") as error:
        await Board(f"sqlite:///{path}", create=False).open()
    assert error.value.remedy
    assert not path.parent.exists()
    async with Board(f"sqlite:///{path}") as board:
        assert await board.version() == 0
        assert await board.open() is board  # once more changes nothing
    await board.close()
    async with Board(f"sqlite:///{path}", create=False) as board:
        assert await board.version() == 0


async def test_a_board_can_be_opened_again(board: Board, add: Add) -> None:
    await add()
    await board.close()
    await board.open()
    assert len(await board.tasks.find()) == 1


async def test_a_relative_path_is_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with Board("sqlite:///here/b.db"):
        pass
    assert (tmp_path / "here" / "b.db").is_file()


async def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"These are my notes, and no database at all.\n" * 50)
    before = path.read_bytes()
    with pytest.raises(BoardUnusable, match="not a board") as error:
        await Board(f"sqlite:///{path}").open()
    assert error.value.remedy
    assert path.read_bytes() == before


async def test_a_folder_that_cannot_be_one_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "b.db"):
        with pytest.raises(BoardUnusable) as error:
            await Board(f"sqlite:///{path}").open()
        assert "permissions" in error.value.remedy


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="whoever may write everywhere is refused nowhere",
)
async def test_a_read_only_folder_is_explained(board_url: str) -> None:
    path = path_of(board_url)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        for url in (board_url, f"sqlite:///{path.parent}/new/b.db"):
            with pytest.raises(BoardUnusable) as error:
                await Board(url).open()
            assert "permissions" in error.value.remedy
    finally:
        path.parent.chmod(0o755)


async def test_a_file_system_without_wal_is_explained(
    board_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With exclusive access only, as on a file system without shared memory.
    real = sqlite3.connect

    def connect(*args: Any, **more: Any) -> sqlite3.Connection:
        return real("file:none?mode=memory", uri=True, isolation_level=None)

    monkeypatch.setattr(sqlite3, "connect", connect)
    with pytest.raises(BoardUnusable, match="WAL") as error:
        await Board(board_url).open()
    assert "disk of this machine" in error.value.remedy


def test_asking_for_status_does_not_load_sqlalchemy(board_url: str) -> None:
    script = """
import asyncio, sys
from neveridle.board import Board

async def main():
    async with Board(sys.argv[1], create=False) as board:
        assert await board.version() == 0
        assert (await board.status())["tasks"] == []
        assert await board.clock.now() > 0
    print(sorted({name.partition(".")[0] for name in sys.modules} & {"sqlalchemy", "alembic"}))

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, board_url], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# --- full disks


async def test_a_full_disk_is_named_and_nothing_is_half_written(
    board_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = watch_connections(monkeypatch)
    async with Board(board_url) as board:
        task = await board.tasks.add(NewTask(source=Source.BACKLOG, title="first"))
        pages = 0
        for connection, _ in opened:
            pages = int(connection.execute("PRAGMA page_count").fetchone()[0])
            connection.execute(f"PRAGMA max_page_count = {pages}")
        big = "x" * 40_000
        found = await board.tasks.find()
        for write in (
            lambda: board.tasks.add(NewTask(source=Source.BACKLOG, title="t", description=big)),
            lambda: board.events.append("x.y", {"big": big}),
            lambda: board.messages.post("dev", "sam", big),
        ):
            with pytest.raises(DiskFull) as error:
                await write()
            assert str(path_of(board_url)) in error.value.message
            assert "everything acknowledged" in error.value.remedy
        assert await board.tasks.find() == found
        assert await board.messages.latest("dev") == []
        claim = await board.attempts.claim(
            agent="sam", run="r", skills=[], source=Source.BACKLOG, lease=60
        )
        assert claim is not None
        learning: dict[str, Any] = {
            "agent": "sam", "kind": "learning", "text": big, "tags": [], "source": "",
            "importance": 0.0, "trusted": False,
        }  # fmt: skip
        with pytest.raises(DiskFull):
            await board.attempts.complete(claim.attempt, learning=learning)
        assert (await board.tasks.get(task.id)).state is TaskState.IN_PROGRESS
        for connection, _ in opened:
            assert not connection.in_transaction
            connection.execute(f"PRAGMA max_page_count = {pages + 100}")
        await board.attempts.complete(claim.attempt, learning=learning)
        assert (await board.tasks.get(task.id)).state is TaskState.COMPLETED


@pytest.mark.skipif(sys.platform == "win32", reason="file sizes are limited by POSIX means")
def test_a_write_the_system_refuses_changes_nothing(board_url: str) -> None:
    """The file may not grow: the system refuses in the middle of the write."""
    script = """
import asyncio, resource, signal, sys
from pathlib import Path
from neveridle.board import Board, NewTask, Source
from neveridle.errors import BoardUnusable, DiskFull

async def main():
    path = Path(sys.argv[1].removeprefix("sqlite:///"))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    async with Board(sys.argv[1]) as board:
        kept = 0
        wal = path.with_name(path.name + "-wal")
        for number in range(10_000):
            if number == 5:
                limit = wal.stat().st_size + 100_000
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            try:
                new = NewTask(source=Source.BACKLOG, title=str(number), description="x" * 5000)
                await board.tasks.add(new)
            except (BoardUnusable, DiskFull) as error:
                assert error.remedy
                break
            kept += 1
        else:
            raise SystemExit("nothing was refused")
        resource.setrlimit(
            resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        )
        tasks = await board.tasks.find()
        assert [task.title for task in tasks] == [str(number) for number in range(kept)]
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="there is space again"))
        print(kept)

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, board_url], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 5
    plain = sqlite3.connect(path_of(board_url))
    assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert plain.execute("SELECT count(*) FROM tasks").fetchone()[0] == int(done.stdout) + 1
    plain.close()


# --- durability


Opened = list[tuple[sqlite3.Connection, list[str]]]


def watch_connections(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Every connection the board opens, and the statements it runs."""
    opened: Opened = []
    real = sqlite_connection.connect

    def connect(path: Path, *, durable: bool) -> sqlite3.Connection:
        connection = real(path, durable=durable)
        said: list[str] = []
        connection.set_trace_callback(said.append)
        opened.append((connection, said))
        return connection

    monkeypatch.setattr(sqlite_database, "connect", connect)
    return opened


async def test_durable_writes_run_with_synchronous_full(
    board_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = watch_connections(monkeypatch)
    async with Board(board_url) as board:

        async def claim() -> Claim:
            await board.tasks.add(NewTask(source=Source.BACKLOG, title="t"))
            won = await board.attempts.claim(
                agent="sam", run="r", skills=[], source=Source.BACKLOG, lease=60
            )
            assert won is not None
            return won

        document = HandoffDocument(summary="s", action="a")
        lesson: dict[str, Any] = {
            "agent": "sam", "kind": "learning", "text": "t", "tags": [], "source": "",
            "importance": 0.0, "trusted": False,
        }  # fmt: skip
        durable: dict[str, Callable[[Claim], Awaitable[Any]]] = {
            "complete": lambda c: board.attempts.complete(c.attempt, learning=lesson),
            "record": lambda c: board.attempts.record(c.attempt, phase=Phase.WORKED),
            "fail": lambda c: board.attempts.fail(c.attempt, code="x", error="y", limit=1),
            "block": lambda c: board.attempts.block(c.attempt, owner="x", action="y"),
            "park": lambda c: board.attempts.park(c.attempt, on="x"),
            "release": lambda c: board.attempts.release(c.attempt),
            "hand over": lambda c: board.handoffs.give(
                c.attempt, to="leo", document=document, verified=True
            ),
            "cancel": lambda c: board.tasks.cancel(c.task.id),
            "add": lambda c: board.tasks.add(NewTask(source=Source.ROADMAP, title="t")),
            "remember": lambda c: board.memories.add([NewMemory(agent="sam", text="t")]),
            "forget": lambda c: board.memories.forget([1]),
            "say": lambda c: board.messages.post("dev", "sam", "hello"),
        }  # fmt: skip
        for name, write in durable.items():
            won = await claim()
            for _, said in opened:
                said.clear()
            await write(won)
            wrote = [c for c, said in opened if any(s.startswith("BEGIN IMM") for s in said)]
            assert len(wrote) == 1, name
            assert wrote[0].execute("PRAGMA synchronous").fetchone()[0] == 2, name
            assert wrote[0].execute("PRAGMA journal_mode").fetchone()[0] == "wal", name
            await board.attempts.release_runs(["r"])
        # Claims and heartbeats survive the process, not the power: they only cost time.
        await claim()
        quick = [
            c
            for c, said in opened
            if any("begin_attempt" in s or "INSERT INTO attempts" in s for s in said)
        ]
        assert [c.execute("PRAGMA synchronous").fetchone()[0] for c in quick] == [1]
        levels = sorted(c.execute("PRAGMA synchronous").fetchone()[0] for c, _ in opened)
        assert levels == [1, 1, 2, 2]  # the first is only asked whether others committed
        assert all(c.execute("PRAGMA foreign_keys").fetchone()[0] == 1 for c, _ in opened)


async def test_looking_writes_nothing(board: Board, add: Add, take: Take) -> None:
    waits = await add("waits", skills=("rust",))
    await add("blocked", after=(waits.id,))
    await add("at work")
    await take()
    path = path_of(board.url)
    wal = path.with_name(path.name + "-wal")
    watcher = sqlite3.connect(path)

    def state() -> tuple[bytes, bytes, Any]:
        version = watcher.execute("PRAGMA data_version").fetchone()
        return path.read_bytes(), wal.read_bytes(), version

    before = state()
    for _ in range(20):
        for source in Source:
            assert await board.attempts.peek("sam", ["python"], source) is None
        assert await board.attempts.claim(
            agent="sam", run="r", skills=[], source=Source.BACKLOG, lease=60
        ) is None  # fmt: skip
        assert await board.sweep() == []
        await board.next_due()
        await board.version()
        await board.status()
        await board.clock.now()
        await board.tasks.stuck()
        await board.tasks.find()
    assert state() == before
    await board.attempts.renew(["run-1"], lease=60)
    assert state() != before  # so the comparison can tell
    watcher.close()


async def test_the_claim_walks_its_index(board: Board) -> None:
    peek = load_queries("neveridle.board.sqlite", "hot.sql")["peek"]
    plain = sqlite3.connect(path_of(board.url))
    values = {"agent": "sam", "skills": "[]", "source": "backlog"}
    plan = [str(row[3]) for row in plain.execute(f"EXPLAIN QUERY PLAN {peek}", values)]
    plain.close()
    assert "ix_tasks_runnable" in plan[0]
    assert not any("TEMP B-TREE" in step for step in plan)


# --- other processes, and cancelled callers


async def test_a_busy_database_is_waited_for(
    board: Board, add: Add, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On each way in, also where the transaction could not even begin."""
    await add()
    claim = await take()
    other = sqlite3.connect(path_of(board.url), isolation_level=None, check_same_thread=False)
    waits: list[bool] = []

    def pause() -> None:
        waits.append(True)
        if len(waits) == 3:
            other.execute("COMMIT")

    monkeypatch.setattr(sqlite_connection, "pause", pause)
    calls: list[Callable[[], Awaitable[Any]]] = [
        lambda: board.attempts.renew(["run-1"], lease=60),
        lambda: board.tasks.add_all(
            [NewTask(source=Source.ROADMAP, title=title) for title in "ab"]
        ),
        lambda: board.attempts.complete(claim.attempt),
        lambda: board.events.append("x.y"),
    ]
    for call in calls:
        waits.clear()
        other.execute("BEGIN IMMEDIATE")
        # Who only looks need not wait.
        await board.tasks.find()
        await board.attempts.peek("sam", [], Source.BACKLOG)
        await board.sweep()
        await board.status()
        await board.version()
        assert waits == []
        await call()
        assert len(waits) == 3
    other.close()
    assert len(await board.tasks.find()) == 3


async def test_a_database_that_stays_locked_is_explained(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_connection, "BUSY_LIMIT", 0.0)
    monkeypatch.setattr(sqlite_connection, "pause", lambda: None)
    other = sqlite3.connect(path_of(board.url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for call in (
        lambda: board.tasks.add(NewTask(source=Source.BACKLOG, title="t")),
        lambda: board.events.append("x.y"),
    ):
        with pytest.raises(BoardUnusable, match="locked by another process") as error:
            await call()
        assert error.value.remedy
    other.execute("COMMIT")
    other.close()
    await board.tasks.add(NewTask(source=Source.BACKLOG, title="t"))


async def test_a_cancelled_caller_leaves_no_transaction_open(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    for steps in range(60):
        call = asyncio.create_task(
            board.tasks.add_all([NewTask(source=Source.BACKLOG, title=f"{steps}")] * 5)
        )
        for _ in range(steps % 12):
            await (board.version() if steps % 2 else asyncio.sleep(0))
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        # The next one is not in its way, on whichever connection.
        await board.events.append("x.y")
    titles = [task.title for task in await board.tasks.find()]
    assert all(titles.count(title) == 5 for title in titles)
    other = sqlite3.connect(path_of(board.url), isolation_level=None, timeout=0)
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")
    other.close()


async def test_closing_waits_for_what_was_begun(board: Board) -> None:
    calls = [
        asyncio.create_task(board.tasks.add(NewTask(source=Source.BACKLOG, title=str(n))))
        for n in range(5)
    ]
    await asyncio.sleep(0)  # they are on their way
    await board.close()
    assert {task.title for task in await asyncio.gather(*calls)} == set("01234")
    with pytest.raises(BoardUnusable, match="not open"):
        await board.version()
    await board.open()
    assert len(await board.tasks.find()) == 5


async def test_a_copy_of_the_files_is_a_board(board: Board, add: Add, tmp_path: Path) -> None:
    """What was acknowledged is in the files, whatever becomes of the process."""
    task = await add("日本")
    path = path_of(board.url)
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    shutil.copy(f"{path}-wal", f"{copy}-wal")
    async with Board(f"sqlite:///{copy}") as other:
        assert await other.tasks.find() == [task]
