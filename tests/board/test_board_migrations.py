"""Migrations: they lead to the schema, wait for each other, and refuse what they do not know."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, event

from neveridle.board import Board
from neveridle.board.revision import HEAD, config, downgrade, upgrade
from neveridle.board.schema import CLOCK_VIEW, FACTS_FUNCTION, FACTS_TRIGGER, metadata
from neveridle.board.sqlite import connection as sqlite_connection
from neveridle.errors import BoardUnusable


@contextmanager
def writing(path: Path) -> Generator[Connection]:
    """A write transaction of another process, as it were."""
    engine = create_engine(
        "sqlite://", creator=lambda: sqlite_connection.connect(path, durable=True)
    )

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "begin", begin)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def schema_of(path: Path) -> dict[str, str]:
    """Name and DDL of everything in a database, but for Alembic's own table."""
    plain = sqlite3.connect(path)
    rows = plain.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    plain.close()
    return {name: sql for name, sql in rows if name != "alembic_version"}


def test_migrations_arrive_where_the_schema_is(tmp_path: Path) -> None:
    migrated, fresh = tmp_path / "migrated.db", tmp_path / "fresh.db"
    with writing(migrated) as connection:
        upgrade(connection)
    with writing(fresh) as connection:
        metadata.create_all(connection)
        connection.exec_driver_sql(CLOCK_VIEW["sqlite"])
    assert schema_of(migrated) == schema_of(fresh)
    # Tables, indexes, and constraints with the names that migrations of them need.
    ddl = schema_of(fresh)
    assert {table.name for table in metadata.sorted_tables} <= set(ddl)
    for table in metadata.sorted_tables:
        assert {str(index.name) for index in table.indexes} <= set(ddl)
        for constraint in table.constraints:
            assert constraint.name is not None or not list(getattr(constraint, "columns", ()))


def test_up_and_down_and_up_again(tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    with writing(path) as connection:
        upgrade(connection)
    there = schema_of(path)
    with writing(path) as connection:
        downgrade(connection, "base")
    assert set(schema_of(path)) <= {"sqlite_sequence"}
    with writing(path) as connection:
        upgrade(connection)
        upgrade(connection)
    assert schema_of(path) == there


def test_head_is_the_newest_revision(tmp_path: Path) -> None:
    from alembic.script import ScriptDirectory

    with writing(tmp_path / "b.db") as connection:
        assert ScriptDirectory.from_config(config(connection)).get_heads() == [HEAD]


async def test_a_migration_that_dies_half_way_never_was(tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    other = sqlite_connection.connect(path, durable=True)
    with pytest.raises(KeyboardInterrupt), writing(path) as connection:
        upgrade(connection)
        raise KeyboardInterrupt
    assert schema_of(path) == {}
    other.close()
    async with Board(f"sqlite:///{path}") as board:
        assert await board.version() == 0


async def test_a_second_opener_waits_for_the_migration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.db"
    first = writing(path)
    upgrade(first.__enter__())
    waits: list[bool] = []
    real: Callable[[], None] = sqlite_connection.pause

    def pause() -> None:
        if not waits:
            # On the opener's thread; the other's transaction ends only now.
            first.__exit__(None, None, None)
        waits.append(True)
        real()

    monkeypatch.setattr(sqlite_connection, "pause", pause)
    async with Board(f"sqlite:///{path}") as board:
        assert waits
        assert await board.tasks.find() == []


async def test_many_may_open_a_new_board_at_once(tmp_path: Path) -> None:
    boards = [Board(f"sqlite:///{tmp_path}/{n % 2}.db") for n in range(6)]
    await asyncio.gather(*(board.open() for board in boards))
    assert [await board.version() for board in boards] == [0] * 6
    await asyncio.gather(*(board.close() for board in boards))


async def test_a_board_of_a_newer_version_is_refused(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    plain = sqlite3.connect(path)
    plain.execute("UPDATE alembic_version SET version_num = '9999'")
    plain.commit()
    plain.close()
    before = schema_of(path)
    with pytest.raises(BoardUnusable, match="'9999'") as error:
        await Board(sqlite_url).open()
    assert "upgrade" in error.value.remedy
    assert schema_of(path) == before


async def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chroma.sqlite3"
    plain = sqlite3.connect(path)
    plain.execute("CREATE TABLE collections (id TEXT)")
    plain.commit()
    plain.close()
    with pytest.raises(BoardUnusable, match="not a board") as error:
        await Board(f"sqlite:///{path}").open()
    assert "file of its own" in error.value.remedy
    assert set(schema_of(path)) == {"collections"}


# --- the same on PostgreSQL


@contextmanager
def connected(url: str) -> Generator[Connection]:
    """A transaction of another process."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def postgres_schema_of(connection: Connection) -> set[tuple[str, ...]]:
    """Every column, index, constraint, view, function and trigger, but for Alembic's own."""
    queries = (
        "SELECT table_name, column_name, ordinal_position::text, data_type, is_nullable,"
        " coalesce(column_default, '') FROM information_schema.columns"
        " WHERE table_schema = current_schema()",
        "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = current_schema()",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = current_schema()::regnamespace",
        "SELECT viewname, definition FROM pg_views WHERE schemaname = current_schema()",
        "SELECT proname, pg_get_functiondef(oid) FROM pg_proc"
        " WHERE pronamespace = current_schema()::regnamespace",
        "SELECT tgrelid::regclass::text, pg_get_triggerdef(t.oid) FROM pg_trigger AS t"
        " JOIN pg_class AS c ON c.oid = tgrelid"
        " WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace",
    )
    rows = [tuple(row) for query in queries for row in connection.exec_driver_sql(query)]
    return {row for row in rows if row[0] != "alembic_version"}


def test_on_postgresql_migrations_arrive_where_the_schema_is(
    empty_databases: Callable[[], str],
) -> None:
    with connected(empty_databases()) as connection:
        upgrade(connection)
        migrated = postgres_schema_of(connection)
    with connected(empty_databases()) as connection:
        metadata.create_all(connection)
        for statement in (CLOCK_VIEW["postgresql"], FACTS_FUNCTION, FACTS_TRIGGER):
            connection.exec_driver_sql(statement)
        fresh = postgres_schema_of(connection)
    assert migrated == fresh
    assert {table.name for table in metadata.sorted_tables} <= {row[0] for row in fresh}


def test_on_postgresql_up_and_down_and_up_again(empty_databases: Callable[[], str]) -> None:
    url = empty_databases()
    with connected(url) as connection:
        upgrade(connection)
        there = postgres_schema_of(connection)
    with connected(url) as connection:
        downgrade(connection, "base")
        assert postgres_schema_of(connection) == set()
    with connected(url) as connection:
        upgrade(connection)
        upgrade(connection)
        assert postgres_schema_of(connection) == there


async def test_on_postgresql_many_may_open_a_new_board_at_once(
    empty_databases: Callable[[], str],
) -> None:
    url = empty_databases()
    code = """
import asyncio, sys
from neveridle.board import Board, NewTask, Source

async def main():
    sys.stdin.readline()
    async with Board(sys.argv[1]) as board:
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="ours", ref="ours"))

asyncio.run(main())
"""
    workers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-c", code, url, stdin=asyncio.subprocess.PIPE
        )
        for _ in range(4)
    ]
    await asyncio.gather(*(worker.communicate(b"go\n") for worker in workers))
    assert [worker.returncode for worker in workers] == [0] * 4
    async with Board(url) as board:
        assert [task.title for task in await board.tasks.find()] == ["ours"]


async def test_on_postgresql_what_is_no_board_of_this_version_is_refused(
    postgres_url: str, empty_databases: Callable[[], str]
) -> None:
    with connected(postgres_url) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        before = postgres_schema_of(connection)
    with pytest.raises(BoardUnusable, match="'9999'") as error:
        await Board(postgres_url).open()
    assert "upgrade" in error.value.remedy
    other = empty_databases()
    with connected(other) as connection:
        connection.exec_driver_sql("CREATE TABLE customers (id integer)")
    with pytest.raises(BoardUnusable, match="not a board") as error:
        await Board(other).open()
    assert "database of its own" in error.value.remedy
    with connected(postgres_url) as connection:
        assert postgres_schema_of(connection) == before
    with connected(other) as connection:
        assert {row[0] for row in postgres_schema_of(connection)} == {"customers"}
