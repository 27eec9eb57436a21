"""How much lies on a board: rows and bytes of its tables, the log, what is free inside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neveridle.board.inspection import Reader
from neveridle.health import Finding, Grade

if TYPE_CHECKING:
    from neveridle.settings import Settings

COUNTED = 1 << 30
"""Bytes up to which the pages of a file are counted by table: all of it has to be read."""
LONG_LOG = 256 << 20
GAPS = 64 << 20
MB = 1e6
NAMES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
PAGES = """
SELECT m.tbl_name, sum(s.pgsize) FROM dbstat AS s JOIN sqlite_master AS m ON m.name = s.name
GROUP BY m.tbl_name
"""
# Rows are estimated by the server: counting them takes long where there are many.
ESTIMATED = """
SELECT c.relname, greatest(c.reltuples, 0)::bigint, pg_total_relation_size(c.oid), s.n_dead_tup
FROM pg_class AS c LEFT JOIN pg_stat_user_tables AS s ON s.relid = c.oid
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
"""


def look_at_sizes(reader: Reader, settings: Settings) -> Sequence[Finding]:
    """See ``neveridle.board.health``."""
    if reader.kind == "sqlite":
        return [_sqlite(reader, Path(settings.board_url.removeprefix("sqlite:///")))]
    return [_postgres(reader)]


def _sqlite(reader: Reader, path: Path) -> Finding:
    size = path.stat().st_size
    log = path.with_name(f"{path.name}-wal")
    wal = log.stat().st_size if log.exists() else 0
    tables: dict[str, dict[str, int]] = {}
    for (name,) in reader.rows(NAMES):
        count = reader.rows(f'SELECT count(*) FROM "{name}"')[0][0]  # noqa: S608 - a table's name
        tables[str(name)] = {"rows": int(count)}
    if size <= COUNTED:
        for name, used in _bytes(reader):
            if name in tables:
                tables[name]["bytes"] = used
    free, page, gives = (
        int(reader.rows(f"PRAGMA {name}")[0][0])
        for name in ("freelist_count", "page_size", "auto_vacuum")
    )
    facts = {"bytes": size, "wal_bytes": wal, "free_bytes": free * page, "tables": tables}
    said = f"{_largest(tables)}; {size / MB:.1f} MB, a log of {wal / MB:.1f} MB"
    if wal > LONG_LOG:
        remedy = "Somebody reads for very long: look for an open `sqlite3`, a copy, a notebook."
        return _warned(f"{said}.", remedy, facts)
    if free * page > GAPS and not gives:
        remedy = "`neveridle tidy --vacuum` gives it back, and lets a team do so by itself."
        return _warned(f"{said}, of which {free * page / MB:.0f} MB are free.", remedy, facts)
    return Finding(about="board's size", message=f"{said}.", facts=facts)


def _bytes(reader: Reader) -> list[tuple[str, int]]:
    import sqlite3

    try:
        return [(str(name), int(used)) for name, used in reader.rows(PAGES)]
    except sqlite3.OperationalError:  # a Python whose SQLite cannot count them
        return []


def _postgres(reader: Reader) -> Finding:
    tables: dict[str, dict[str, int]] = {}
    for name, rows, used, dead in reader.rows(ESTIMATED):
        tables[str(name)] = {"rows": int(rows), "bytes": int(used), "dead_rows": int(dead or 0)}
    size = sum(one["bytes"] for one in tables.values())
    facts = {"bytes": size, "tables": tables, "rows_are": "estimated"}
    said = f"{_largest(tables)}; {size / MB:.1f} MB"
    worst = max(tables, key=lambda name: tables[name]["dead_rows"])
    dead = tables[worst]["dead_rows"]
    if dead > 100_000 and dead > tables[worst]["rows"]:
        remedy = "Is autovacuum on, and does no transaction stay open? `neveridle tidy --vacuum`."
        return _warned(f"{said}, with {dead:,} dead rows in {worst}.", remedy, facts)
    return Finding(about="board's size", message=f"{said}.", facts=facts)


def _warned(message: str, remedy: str, facts: dict[str, Any]) -> Finding:
    return Finding(
        about="board's size", grade=Grade.WARNING, message=message, remedy=remedy, facts=facts
    )


def _largest(tables: dict[str, dict[str, int]]) -> str:
    """The tables with most rows, in words."""
    most = sorted(tables, key=lambda name: -tables[name]["rows"])[:3]
    return ", ".join(f"{tables[name]['rows']:,} {name}" for name in most)
