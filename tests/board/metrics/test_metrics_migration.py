"""A board that was filled before there were facts counts as one that was filled afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, event

from neveridle.board import Board
from neveridle.board.metrics import Window
from neveridle.board.revision import downgrade, upgrade
from neveridle.board.sqlite import connection as sqlite_connection

COLUMNS = ("id", "at", "kind", "agent", "run", "task_id", "fence", "data")
FACTS = "started_at, spent, input_tokens, output_tokens, cost, calls, retries"
CALL = {"rung": "backlog", "purpose": "work", "model": "gpt-5", "input_tokens": 900,
        "output_tokens": 80, "cost": 12_000, "tries": 2}  # fmt: skip
# Values as they may stand in JSON, for each key.
ODD = [
    "0", "7", "-1", "1.0", "1e2", "1e400", "999999999999999", "9999999999999999", "true",
    "null", '"12"', '""', '"gpt-5"', '"' + "é" * 81 + '"', r'"\u0000"', r'"\ud800"', r'"\\u0000"',
    r'"a\"b"', '{"cost": 5}', "[5]", "1700000000.25", "17e8", "99999999999", "100000000000",
]  # fmt: skip
ODD_DOCUMENTS = ["1", "null", "[]", '"x"', "{}", '[{"cost": 1}]']


def rows() -> Iterator[tuple[Any, ...]]:
    """Events as they are, and as they might be."""

    def one(kind: str, data: str, task: int | None = 1, agent: str | None = "sam") -> Any:
        return 100.0, kind, agent, "r1", task, 1, data

    yield one("task.claimed", "{}")
    yield one("model.call", json.dumps(CALL))
    yield one("model.call", json.dumps(CALL), None, "a\x1fb")
    yield one("model.call", json.dumps(CALL), None, None)
    yield one("service.calls", '{"calls": 40, "retries": 3}')
    yield one("task.completed", '{"started_at": 50.25}')
    yield one("run.ended", '{"started_at": 25}')
    yield one("team.problem", json.dumps({**CALL, "started_at": 5, "calls": 1, "retries": 1}))
    for kind in ("model.call", "service.calls", "attempt.failed"):
        for document in ODD_DOCUMENTS:
            yield one(kind, document)
        for key in (*CALL, "calls", "retries", "started_at"):
            for value in ODD:
                whole = {**CALL, "calls": 4, "retries": 1, "started_at": 30}
                del whole[key]
                yield one(kind, f'{json.dumps(whole)[:-1]}, "{key}": {value}}}')


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def writing(url: str) -> Generator[Connection]:
    """A transaction of another process, as it were."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        engine = create_engine(
            "sqlite://", creator=lambda: sqlite_connection.connect(path, durable=True)
        )
        event.listen(engine, "begin", _begin)
    else:
        engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def fill(url: str) -> None:
    """Write the rows, with ids of which the last ones are gone again."""
    names, lite = ", ".join(COLUMNS[1:]), url.startswith("sqlite")
    marks = ", ".join(["?" if lite else "%s"] * 7)
    with writing(url) as c:
        cursor = c.connection.cursor()
        cursor.executemany(f"INSERT INTO events ({names}) VALUES ({marks})", list(rows()))  # noqa: S608
        cursor.execute("DELETE FROM events WHERE id = (SELECT max(id) FROM events)")


def facts(url: str, columns: str) -> list[tuple[Any, ...]]:
    """What stands in the log, and the id that the next event gets."""
    with writing(url) as c:
        found = c.exec_driver_sql(f"SELECT {columns} FROM events ORDER BY id").all()  # noqa: S608
        following = c.exec_driver_sql(
            "INSERT INTO events (at, kind, data) VALUES (1, 'team.problem', '{}') RETURNING id"
        ).all()
        c.exec_driver_sql("DELETE FROM events WHERE kind = 'team.problem' AND at = 1")
    return [*map(tuple, found), *map(tuple, following)]


async def figures(url: str) -> dict[str, Any]:
    """The metrics of all of it."""
    async with Board(url) as board:
        await board.clock.script(1_000.0)
        return asdict(await board.metrics.of(Window(0.0, 500.0)))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Makes URLs of databases with nothing in them."""
    if request.param == "sqlite":
        return lambda name: f"sqlite:///{tmp_path / name}.db"
    databases: Callable[[], str] = request.getfixturevalue("empty_databases")
    return lambda _: databases()


async def test_a_log_that_is_older_than_its_facts_counts_the_same(
    empty: Callable[[str], str],
) -> None:
    before, after = empty("before"), empty("after")
    with writing(after) as c:
        upgrade(c)
    fill(after)
    with writing(before) as c:
        upgrade(c)
        downgrade(c, "0005")
    fill(before)
    with writing(before) as c:
        upgrade(c)
    found = facts(after, f"id, kind, {FACTS}")
    assert found[1][3:] == ("sam\x1fbacklog\x1fwork\x1fgpt-5\x1f", 900, 80, 12_000, 2, None)
    assert found[4][2:] == (None, None, None, None, None, 40, 3)
    assert [one[2] for one in found[5:8]] == [50.25, 25.0, None]
    assert facts(before, f"id, kind, {FACTS}") == found
    assert await figures(before) == await figures(after)
    # Down and up again with all that in it: the events stay as they are, and so do their facts.
    said = facts(before, "id, at, kind, agent, run, task_id, fence, CAST(data AS text)")
    with writing(before) as c:
        downgrade(c, "0005")
    with writing(before) as c:
        upgrade(c)
    again = facts(before, "id, at, kind, agent, run, task_id, fence, CAST(data AS text)")
    assert again[:-1] == said[:-1]
    assert [one[2:] for one in facts(before, f"id, kind, {FACTS}")[:-1]] == [
        one[2:] for one in found[:-1]
    ]


def test_facts_of_odd_events_are_the_same_on_both_databases(
    tmp_path: Path, empty_databases: Callable[[], str]
) -> None:
    found: list[Any] = []
    for url in (f"sqlite:///{tmp_path / 'board.db'}", empty_databases()):
        with writing(url) as c:
            upgrade(c)
        fill(url)
        found.append(facts(url, f"kind, CAST(data AS text), {FACTS}"))
    differ = [pair for pair in zip(*found, strict=True) if pair[0] != pair[1]]
    assert differ == []
