"""How PostgreSQL goes about the hot statements: along indexes, however full the board is.

A session plans a statement once and may keep the plan while the board grows. So none may
read a table or an index whole, whatever was known of the tables when it was made.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Any

import psycopg
import pytest

from neveridle.board.postgres.session import HOT
from neveridle.board.queries import load_queries

SMALL = {"clock", "clock_guard", "wakeups", "services"}
"""Tables of a few rows."""
AT_WORK = {"ix_attempts_active"}
"""Indexes that hold what is at work only: as many rows as there are agents."""

TYPES = {"task": "integer", "fence": "integer", "lease": "double precision", "learning": "json"}

FILL = """
INSERT INTO tasks (source, title, skills, services, acceptance, budget, open_blockers, state,
  fence, created_at, updated_at)
SELECT 'backlog', 'Task ' || n, '[]', '[]', '[]', '{}', (n % 10 = 0)::integer,
  CASE n % 5 WHEN 0 THEN 'completed' WHEN 1 THEN 'waiting' WHEN 2 THEN 'in_progress'
    ELSE 'pending' END, 1, 0, 0
FROM generate_series(1, 3000) AS n;
INSERT INTO task_skills SELECT id, 'python' FROM tasks;
INSERT INTO task_services SELECT id, 'vercel' FROM tasks;
INSERT INTO task_edges SELECT id, id / 2 + 1 FROM tasks WHERE id > 2;
INSERT INTO attempts (task_id, fence, run, agent, number, state, lease_until, started_at)
SELECT id, 1, 'run ' || id % 100, 'sam', 1,
  CASE state WHEN 'in_progress' THEN 'active' ELSE 'expired' END, 9, 0
FROM tasks;
"""


@pytest.fixture
def connection(postgres_url: str) -> Generator[psycopg.Connection[tuple[Any, ...]]]:
    with psycopg.connect(postgres_url, autocommit=True) as opened:
        if opened.info.server_version < 160000:
            pytest.skip("EXPLAIN (GENERIC_PLAN) is of PostgreSQL 16")
        for table in ("tasks", "task_skills", "task_services", "task_edges", "attempts"):
            off = f"ALTER TABLE {table} SET (autovacuum_enabled = off)"
            opened.execute(off.encode())  # what is known of them changes only where said
        opened.execute(HOT.encode(), prepare=False)
        yield opened


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def read_whole(connection: psycopg.Connection[tuple[Any, ...]], query: str) -> list[str]:
    """The tables and indexes that the plan of a statement reads from end to end."""
    names: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}" + (
            f"::{kind}" if (kind := TYPES.get(found[1])) else ""
        )

    generic = re.sub(r"%\((\w+)\)s", numbered, query)
    explain = f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {generic}"
    row = connection.execute(explain.encode(), prepare=False).fetchone()
    assert row is not None
    return [
        f"{node['Node Type']} of {node['Relation Name']} by {node.get('Index Name')}"
        for node in nodes(row[0][0]["Plan"])
        if "Scan" in node["Node Type"]
        and node.get("Relation Name", "clock") not in SMALL
        and node.get("Index Name") not in AT_WORK
        and "Index Cond" not in node
    ]


@pytest.mark.parametrize("name", ["peek", "claim", "renew", "complete", "due"])
def test_no_hot_statement_reads_a_table_whole(
    connection: psycopg.Connection[tuple[Any, ...]], name: str
) -> None:
    query = load_queries("neveridle.board.postgres", "hot.sql")[name]
    assert read_whole(connection, query) == []  # nothing is known of the tables
    connection.execute("ANALYZE")
    assert read_whole(connection, query) == []  # they are known to be empty
    connection.execute(FILL.encode(), prepare=False)
    assert read_whole(connection, query) == []  # and have grown since
    connection.execute("ANALYZE")
    assert read_whole(connection, query) == []
