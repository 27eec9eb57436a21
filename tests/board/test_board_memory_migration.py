"""A board that already has memories is brought up to date with all of them, and back."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, event, text

from neveridle.board import Board
from neveridle.board.memory_row import NewMemory
from neveridle.board.revision import downgrade, upgrade
from neveridle.board.sqlite.connection import connect

OLD = text(
    "INSERT INTO memories (id, agent, kind, text, tags, source, importance, trusted, at, indexed,"
    " task_id, fence_number) VALUES (:id, 'sam', 'learning', :text, :tags, 'task:1', 0.25,"
    " :trusted, 1000.5, :indexed, :task, :fence)"
)
ROWS: list[dict[str, Any]] = [
    {"id": 1, "text": "first", "tags": '["a"]', "trusted": True, "indexed": True, "task": 1,
     "fence": 1},
    {"id": 2, "text": "gone", "tags": "[]", "trusted": False, "indexed": True, "task": None,
     "fence": None},
    {"id": 7, "text": "日本", "tags": '["b", "c"]', "trusted": False, "indexed": False, "task": 1,
     "fence": 2},
    {"id": 9, "text": "gone, too", "tags": "[]", "trusted": False, "indexed": False, "task": None,
     "fence": None},
]  # fmt: skip


@contextmanager
def writing(url: str) -> Generator[Connection]:
    """A write transaction on a database that is no board yet, or is one of another revision."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        engine = create_engine("sqlite://", creator=lambda: connect(path, durable=True))

        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        event.listen(engine, "begin", begin)
    else:
        engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of revision 0003 that holds two memories, and held two more."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'b.db'}"
    else:
        empty: Callable[[], str] = request.getfixturevalue("empty_databases")
        url = empty()
    with writing(url) as c:
        upgrade(c, "0003")
        c.execute(OLD, ROWS)
        if request.param == "postgres":
            c.execute(text("SELECT setval(pg_get_serial_sequence('memories', 'id'), 9)"))
        c.execute(text("DELETE FROM memories WHERE text LIKE 'gone%'"))
    return url


async def test_nothing_is_lost_and_ids_go_on(old_url: str) -> None:
    async with Board(old_url) as board:
        rows = await board.memories.get([1, 2, 7, 9])
        assert [(r.id, r.text, r.tags, r.trusted, r.task, r.fence) for r in rows] == [
            (1, "first", ("a",), True, 1, 1),
            (7, "日本", ("b", "c"), False, 1, 2),
        ]
        (first, _) = rows
        assert (first.agent, first.kind, first.source) == ("sam", "learning", "task:1")
        assert (first.importance, first.at, first.state) == (0.25, 1000.5, "live")
        # Lessons were everybody's before there was a word for it.
        assert (first.visibility, first.origin, first.strength) == ("team", "agent", 1)
        assert [one.row.id for one in await board.memories.changes(0, 10)] == [1, 7]
        before = await board.memories.revision()
        (new,) = await board.memories.add([NewMemory(agent="sam", text="new")])
        assert new > 9  # an id is never used again, not even one of a row that is gone
        assert [one.row.id for one in await board.memories.changes(before, 10)] == [new]


async def test_back_and_up_again(old_url: str) -> None:
    async with Board(old_url) as board:
        made = [NewMemory(agent="sam", text=f"{n}", tags=("x",)) for n in range(3)]
        ids = await board.memories.add(made)
        await board.memories.forget(ids[:1])
    with writing(old_url) as c:
        downgrade(c, "0003")
        rows = c.execute(text("SELECT id, text, indexed FROM memories ORDER BY id")).all()
        assert [tuple(row[:2]) for row in rows] == [
            (1, "first"), (7, "日本"), (ids[1], "1"), (ids[2], "2"),
        ]  # fmt: skip
        assert not any(row[2] for row in rows)
        c.execute(text("DELETE FROM memories WHERE id = :id"), {"id": ids[2]})
    async with Board(old_url) as board:
        assert [row.text for row in await board.memories.newest(10)] == ["1", "日本", "first"]
        assert (await board.memories.add([NewMemory(agent="sam", text="new")]))[0] > ids[2]
