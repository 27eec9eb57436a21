"""What only PostgreSQL can do to a board: other hosts, lost connections, its own locks."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from sqlalchemy import Connection, text

from neveridle.board import Board, Claim, NewTask, Source, Task, TaskState
from neveridle.board.postgres import session
from neveridle.board.postgres.database import PostgresDatabase
from neveridle.board.postgres.session import HOT
from neveridle.board.queries import load_queries
from neveridle.errors import BoardUnusable, DiskFull

Add = Callable[..., Awaitable[Task]]
Take = Callable[..., Awaitable[Claim]]
Seek = Callable[..., Coroutine[Any, Any, Claim | None]]
Sql = Callable[..., Awaitable[list[tuple[Any, ...]]]]


@pytest.fixture
def board_url(postgres_url: str) -> str:
    return postgres_url


def plain(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection of somebody else."""
    return psycopg.connect(url, autocommit=True)


def others(connection: psycopg.Connection[tuple[Any, ...]], *, waiting: bool = False) -> list[int]:
    """The server's processes that serve the board."""
    query = (
        "SELECT pid, wait_event_type FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'neveridle'"
    )
    found = connection.execute(query).fetchall()
    return [int(pid) for pid, event in found if event == "Lock" or not waiting]


async def waits_for_lock(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Return once some connection of the board waits for a lock."""
    while not others(connection, waiting=True):  # noqa: ASYNC110 - the server tells nobody
        await asyncio.sleep(0.005)


# --- opening, and what it can meet


async def test_an_empty_database_becomes_a_board_only_where_that_was_meant(
    board: Board,
) -> None:
    await board.close()
    with plain(board.url) as other:
        other.execute("DROP SCHEMA public CASCADE")
        other.execute("CREATE SCHEMA public")
    with pytest.raises(BoardUnusable, match="There is no board at postgresql://") as error:
        await Board(board.url, create=False).open()
    assert error.value.remedy
    async with Board(board.url) as made:
        assert await made.version() == 0


async def test_a_server_that_is_not_there_is_explained_without_the_password() -> None:
    board = Board("postgresql://sam:s%40crit-word@127.0.0.1:1/board?password=an0ther")
    with pytest.raises(BoardUnusable) as error:
        await board.open()
    said = f"{error.value.message} {error.value.remedy} {error.value}"
    assert "postgresql://sam:***@127.0.0.1:1/board?password=***" in said
    assert "crit-word" not in said
    assert "an0ther" not in said
    assert "server" in error.value.remedy


@pytest.mark.parametrize(
    "url",
    ["mysql://sam:s3cret@host/x", "postgresql://", "postgresql://sam:s3cret@host:nan/x?a=b"],
)
async def test_a_url_that_is_wrong_is_refused_without_the_password(url: str) -> None:
    with pytest.raises(BoardUnusable) as error:
        await Board(url).open()
    assert "postgresql://USER@HOST/DATABASE" in error.value.remedy
    assert "s3cret" not in str(error.value) + error.value.message


async def test_a_database_that_is_not_there_is_explained(board_url: str) -> None:
    url = urlunsplit(urlsplit(board_url)._replace(path="/none_such"))
    with pytest.raises(BoardUnusable, match="none_such") as error:
        await Board(url).open()
    assert "createdb" in error.value.remedy


async def test_a_user_who_may_not_write_is_explained(board: Board, sql: Sql) -> None:
    name = urlsplit(board.url).path[1:]
    await sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    async with Board(board.url) as readonly:
        with pytest.raises(BoardUnusable) as error:
            await readonly.messages.post("dev", "sam", "hello")
    assert "standby" in error.value.remedy


def test_without_psycopg_the_remedy_is_the_extra() -> None:
    script = """
import sys
sys.modules["psycopg"] = None
from neveridle.board import Board
from neveridle.errors import ExtraMissing
try:
    Board("postgresql://host/x")
except ExtraMissing as error:
    print(error.remedy)
Board("sqlite:///x.db")
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True
    )
    assert "neveridle[postgres]" in done.stdout


def test_asking_for_status_does_not_load_sqlalchemy(board_url: str) -> None:
    script = """
import asyncio, sys
from neveridle.board.glance import glance

status = asyncio.run(glance(sys.argv[1]))
assert status["tasks"] == [] and status["model"]["calls"] == 0, status
print(sorted({name.partition(".")[0] for name in sys.modules} & {"sqlalchemy", "alembic"}))
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, board_url], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_status_shows_a_board_on_postgresql(board_url: str, tmp_path: Path) -> None:
    async def fill() -> None:
        async with Board(board_url) as board:
            await board.tasks.add(NewTask(source=Source.BACKLOG, title="waits"))

    asyncio.run(fill())
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    settings = f'[team]\nboard = "{board_url}"\n'
    (tmp_path / "neveridle.toml").write_text(settings, encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "-P", "-c", "from neveridle.cli import main; main()", "status", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"backlog"' in said.stdout


# --- what others do at the same time


async def test_a_claim_sees_what_the_write_did_that_it_waited_for(board: Board, seek: Seek) -> None:
    """Locks come before the snapshot: the claim is behind the gate, and not behind the times."""
    with plain(board.url) as watcher, psycopg.connect(board.url) as other:
        other.execute("LOCK TABLE clock IN EXCLUSIVE MODE")
        other.execute(
            "INSERT INTO tasks (source, title, skills, services, acceptance, budget, created_at,"
            " updated_at) VALUES ('backlog', 't', '[]', '[]', '[]', '{}', 0, 0)"
        )
        for _ in range(3):  # also once the statement is prepared, and its plan a generic one
            assert await board.attempts.peek("sam", [], Source.BACKLOG) is None
        claiming = asyncio.create_task(seek())
        await waits_for_lock(watcher)
        other.commit()
        claim = await claiming
        assert claim is not None
        assert claim.task.title == "t"


async def test_two_processes_that_write_what_they_read_take_turns(
    board: Board, board_url: str
) -> None:
    async with Board(board_url) as other:
        both = [board, other] * 10
        new = NewTask(source=Source.BACKLOG, title="ours", ref="ours")
        made = await asyncio.gather(*(one.tasks.add(new) for one in both))
        assert len({task.id for task in made}) == 1
        won = await asyncio.gather(
            *(one.syncs.hold("x", f"{n}", seconds=60) for n, one in enumerate(both))
        )
        assert won.count(True) == 1


async def test_a_deadlock_is_run_again(board: Board) -> None:
    with psycopg.connect(board.url) as other:
        other.execute("SELECT 1 FROM wakeups FOR UPDATE")
        runs: list[asyncio.Event] = []
        loop = asyncio.get_running_loop()
        begun = asyncio.Event()

        def work(c: Connection) -> int:
            runs.append(begun)
            c.execute(text("SET LOCAL deadlock_timeout = '20ms'"))
            c.execute(text("LOCK TABLE messages IN EXCLUSIVE MODE"))
            if len(runs) == 1:
                loop.call_soon_threadsafe(begun.set)
            return int(c.execute(text("UPDATE wakeups SET version = 7 RETURNING 1")).scalar_one())

        writing = asyncio.create_task(board.database.write(work))
        await begun.wait()

        def cross() -> None:
            other.execute("SET LOCAL deadlock_timeout = '60s'")
            other.execute(
                "INSERT INTO messages (channel, author, content, at) VALUES ('', '', '', 0)"
            )
            other.commit()

        await asyncio.to_thread(cross)
        assert await writing == 1
        assert len(runs) == 2
        assert await board.version() == 7


# --- durability


async def test_durable_writes_wait_for_the_disk_and_claims_do_not(
    board: Board, sql: Sql, add: Add, take: Take
) -> None:
    """A trigger notes, for each write, whether its commit waits."""
    await sql("CREATE TABLE noted (name text, level text)")
    await sql(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO noted"
        " VALUES (TG_TABLE_NAME, current_setting(''synchronous_commit'')); RETURN NULL; END'"
    )
    for table in ("tasks", "attempts", "messages", "memories", "runs"):
        await sql(f"CREATE TRIGGER note AFTER INSERT OR UPDATE ON {table} EXECUTE FUNCTION note()")

    async def levels(write: Awaitable[Any]) -> set[str]:
        await sql("DELETE FROM noted")
        await write
        return {str(row[0]) for row in await sql("SELECT level FROM noted")}

    assert await levels(add("one")) == {"on"}
    assert await levels(board.messages.post("dev", "sam", "hello")) == {"on"}
    claims: list[Claim] = []

    async def claim() -> None:
        claims.append(await take())

    assert await levels(claim()) == {"off"}
    attempt = claims[0].attempt
    assert await levels(board.attempts.renew([attempt.run], lease=60)) == {"off"}
    assert await levels(board.attempts.complete(attempt)) == {"on"}


async def test_a_full_disk_is_named_and_nothing_is_half_written(
    board: Board, sql: Sql, add: Add, take: Take
) -> None:
    await add()
    claim = await take()
    await sql(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION USING ERRCODE = ''53100'', MESSAGE = ''no space''; END'"
    )
    await sql(
        "CREATE TRIGGER full_disk BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION full_disk()"
    )
    for write in (
        lambda: board.tasks.add(NewTask(source=Source.BACKLOG, title="t")),
        lambda: board.events.append("x.y"),
        lambda: board.attempts.complete(claim.attempt),
    ):
        with pytest.raises(DiskFull) as error:
            await write()
        assert "everything acknowledged" in error.value.remedy
    assert (await board.tasks.get(claim.task.id)).state is TaskState.IN_PROGRESS
    await sql("DROP FUNCTION full_disk CASCADE")
    await board.attempts.complete(claim.attempt)


# --- lost connections


async def test_a_connection_that_died_idle_is_made_again(
    board: Board, add: Add, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "IDLE", -1.0)  # as if each were idle for long
    await add()
    claim = await take()
    with plain(board.url) as killer:
        for call in (
            lambda: board.version(),
            lambda: board.tasks.find(),
            lambda: board.attempts.renew(["run-1"], lease=60),
            lambda: board.messages.post("dev", "sam", "hello"),
            lambda: board.attempts.complete(claim.attempt),
        ):
            for pid in others(killer):
                killer.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            await call()
    assert (await board.tasks.get(claim.task.id)).state is TaskState.COMPLETED
    assert len(await board.messages.latest("dev")) == 1


async def test_a_claim_whose_answer_was_lost_is_returned(
    board: Board, add: Add, take: Take, seek: Seek
) -> None:
    """The server did it, and the connection died before the process could hear of it."""
    first = await add("held all along")
    await take()
    second = await add("claimed, but nobody knows")
    with plain(board.url) as other:
        other.execute(
            "UPDATE tasks SET state = 'in_progress', fence = 1 WHERE id = %s", [second.id]
        )
        other.execute(
            "INSERT INTO attempts (task_id, fence, run, agent, number, lease_until, started_at)"
            " VALUES (%s, 1, 'run-1', 'sam', 1, 1e9, 0)",
            [second.id],
        )
        with psycopg.connect(board.url) as gate:
            gate.execute("LOCK TABLE clock IN EXCLUSIVE MODE")
            claiming = asyncio.create_task(seek())
            await waits_for_lock(other)
            for pid in others(other, waiting=True):
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            with pytest.raises(BoardUnusable):
                await claiming
    # The next heartbeat keeps what the run knows of, and returns the rest.
    assert await board.attempts.renew(["run-1"], lease=60) == {(first.id, 1)}
    assert (await board.tasks.get(second.id)).state is TaskState.PENDING


async def test_a_cancelled_claim_that_waits_is_returned(board: Board, add: Add) -> None:
    task = await add()
    with plain(board.url) as watcher, psycopg.connect(board.url) as gate:
        gate.execute("LOCK TABLE clock IN EXCLUSIVE MODE")
        claiming = asyncio.create_task(
            board.attempts.claim(agent="sam", run="r", skills=[], source=Source.BACKLOG, lease=60)
        )
        await waits_for_lock(watcher)
        claiming.cancel()
        with pytest.raises(asyncio.CancelledError):
            await claiming  # at once, although the gate is still closed
        gate.commit()
    await board.close()  # waits for what was begun
    await board.open()
    assert (await board.tasks.get(task.id)).state is TaskState.PENDING
    assert [one.state for one in await board.attempts.of(task.id)] == ["released"]


# --- plans


def test_the_claim_walks_its_index(board_url: str) -> None:
    """Also while the tables are empty and nothing is known of them."""
    queries = load_queries("neveridle.board.postgres", "hot.sql")
    names = {"agent": "'sam'", "skills": "'{}'", "source": "'backlog'", "run": "'r'", "lease": "1"}
    with plain(board_url) as connection:
        connection.execute(HOT.encode())
        for name in ("peek", "claim"):
            query = queries[name]
            for key, value in names.items():
                query = query.replace(f"%({key})s", value)
            plan = [str(row[0]) for row in connection.execute(f"EXPLAIN {query}".encode())]
            assert any("Index Scan using ix_tasks_runnable" in step for step in plan), plan
            assert not any("Sort" in step or "Seq Scan on tasks" in step for step in plan), plan


async def test_who_ends_a_task_with_a_lesson_tells_those_who_rest(postgres_url: str) -> None:
    lesson = {"agent": "sam", "text": "t", "kind": "learning"}
    async with Board(postgres_url) as board:
        first = await board.tasks.add(NewTask(source=Source.BACKLOG, title="first"))
        told = asyncio.Event()
        database = cast("PostgresDatabase", board.database)
        notifier: Any = vars(database)["_notifier"]  # who rests in this process hears of it there
        notifier.told.add(told)
        for after, wakes in (((first.id,), True), ((), False)):
            await board.tasks.add(NewTask(source=Source.BACKLOG, title="second", after=after))
            claim = await board.attempts.claim(
                agent="sam", run="r", skills=[], source=Source.BACKLOG, lease=60
            )
            assert claim is not None
            told.clear()
            await board.attempts.complete(claim.attempt, learning=lesson)
            assert told.is_set() == wakes
