"""What aggregates need to know of an event, as typed columns that the database works out.

A generated column is NULL where the event's data does not hold what it names, or holds it in
another shape: no event is ever refused for its data. SQLite computes them when an index is
written (they take no room in the row), PostgreSQL when the row is. On both they are read from
covering indexes only.

Part of ``neveridle.board.schema``; migration 0006 has its own copy, which is frozen.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, Computed, Double, Index, String, text
from sqlalchemy.ext.compiler import compiles

from neveridle.board.fact_kinds import ENDINGS, ENDS, NAME, NEWEST, TOP, listed
from neveridle.board.metadata import Number


class Fact(Computed):
    """What a database works out by itself, in the words of each."""

    inherit_cache = False

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@compiles(Fact)
def _compile(element: Fact, compiler: Any, **_: Any) -> str:
    if compiler.dialect.name == "sqlite":
        return f"GENERATED ALWAYS AS ({_SQLITE[element.name]})"
    return f"GENERATED ALWAYS AS ({_POSTGRES[element.name]}) STORED"


def _sqlite_number(key: str, least: int = 0) -> str:
    return (
        f"json_type(data, '$.{key}') = 'integer'"
        f" AND json_extract(data, '$.{key}') BETWEEN {least} AND {TOP}"
        f" THEN json_extract(data, '$.{key}')"
    )


def _sqlite_name(key: str) -> str:
    return (
        f"CASE json_type(data, '$.{key}') WHEN 'text'"
        f" THEN substr(json_extract(data, '$.{key}'), 1, {NAME}) ELSE '' END"
    )


# An escape such as \u0000 cannot be unpacked on PostgreSQL, nor half a surrogate pair on either:
# it is read as a space, and names only where nothing is escaped at all.
_DOCUMENT: Final = (
    "CASE WHEN strpos(CAST(data AS text), '\\u') = 0 THEN data ELSE CAST(regexp_replace("
    "CAST(data AS text), '\\\\u(0000|d[89a-f][0-9a-f]{2})', '\\\\u0020', 'gi') AS json) END"
)


def _postgres_raw(key: str) -> str:
    return f"CAST((({_DOCUMENT}) -> '{key}') AS text)"


def _postgres_number(key: str) -> str:
    raw = _postgres_raw(key)
    return f"{raw} ~ '^[0-9]{{1,15}}$' THEN CAST({raw} AS bigint)"


def _postgres_name(key: str) -> str:
    return (
        f"CASE json_typeof(data -> '{key}') WHEN 'string'"
        f" THEN left(data ->> '{key}', {NAME}) ELSE '' END"
    )


def _only(kind: str, then: str, valid: str = "") -> str:
    return f"CASE WHEN kind <> '{kind}' THEN NULL{valid} WHEN {then} END"


_VALID: Final = " WHEN NOT json_valid(data) THEN NULL"
_IDLE: Final = "CASE WHEN task_id IS NULL THEN 'idle' ELSE '' END"
_NAMES: Final = ("rung", "purpose", "model")
_SQLITE_NAMES: Final = " || ".join(f"{_sqlite_name(key)} || char(31)" for key in _NAMES)
_POSTGRES_NAMES: Final = " || ".join(f"{_postgres_name(key)} || chr(31)" for key in _NAMES)

_SQLITE: Final = {
    "started_at": (
        f"CASE WHEN kind NOT IN {listed(ENDS)} THEN NULL{_VALID}"
        " WHEN json_type(data, '$.started_at') IN ('integer', 'real')"
        f" AND json_extract(data, '$.started_at') BETWEEN 1 AND {NEWEST}"
        " THEN json_extract(data, '$.started_at') END"
    ),
    "spent": (
        "CASE WHEN kind <> 'model.call' THEN NULL ELSE"
        f" replace(substr(coalesce(agent, ''), 1, {NAME}), char(31), ' ') || char(31) ||"
        " CASE WHEN instr(data, '\\') > 0 OR NOT json_valid(data)"
        " THEN char(31) || char(31) || char(31)"
        f" ELSE {_SQLITE_NAMES} END ||"
        f" {_IDLE} END"
    ),
    "input_tokens": _only("model.call", _sqlite_number("input_tokens"), _VALID),
    "output_tokens": _only("model.call", _sqlite_number("output_tokens"), _VALID),
    "cost": _only("model.call", _sqlite_number("cost"), _VALID),
    "calls": (
        "CASE kind WHEN 'model.call' THEN CASE WHEN NOT json_valid(data) THEN 1"
        f" WHEN {_sqlite_number('tries', 1)} ELSE 1 END WHEN 'service.calls' THEN"
        f" CASE WHEN NOT json_valid(data) THEN NULL WHEN {_sqlite_number('calls')} END END"
    ),
    "retries": (
        f"CASE WHEN kind NOT IN ('model.call', 'service.calls') THEN NULL{_VALID}"
        f" WHEN {_sqlite_number('retries')} END"
    ),
}
_POSTGRES: Final = {
    "started_at": (
        f"CASE WHEN kind NOT IN {listed(ENDS)} THEN NULL"
        f" WHEN {_postgres_raw('started_at')} ~"
        " '^[0-9]{1,15}(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?$' THEN"
        f" CASE WHEN CAST({_postgres_raw('started_at')} AS double precision)"
        f" BETWEEN 1 AND {NEWEST}"
        f" THEN CAST({_postgres_raw('started_at')} AS double precision) END END"
    ),
    "spent": (
        "CASE WHEN kind <> 'model.call' THEN NULL ELSE"
        f" replace(left(coalesce(agent, ''), {NAME}), chr(31), ' ') || chr(31) ||"
        " CASE WHEN strpos(CAST(data AS text), '\\') > 0 THEN chr(31) || chr(31) || chr(31)"
        f" ELSE {_POSTGRES_NAMES} END ||"
        f" {_IDLE} END"
    ),
    "input_tokens": _only("model.call", _postgres_number("input_tokens")),
    "output_tokens": _only("model.call", _postgres_number("output_tokens")),
    "cost": _only("model.call", _postgres_number("cost")),
    "calls": (
        "CASE kind WHEN 'model.call' THEN"
        f" CASE WHEN {_postgres_number('tries').replace('[0-9]{1,15}', '[1-9][0-9]{0,14}')}"
        f" ELSE 1 END WHEN 'service.calls' THEN CASE WHEN {_postgres_number('calls')} END END"
    ),
    "retries": (
        "CASE WHEN kind NOT IN ('model.call', 'service.calls') THEN NULL"
        f" WHEN {_postgres_number('retries')} END"
    ),
}

_KINDS: Final = {"started_at": Double, "spent": String}
MODEL_CALLS: Final = "kind = 'model.call'"
SERVICE_CALLS: Final = "kind = 'service.calls'"
CLAIMS: Final = "kind = 'task.claimed'"


def fact_columns() -> list[Column[Any]]:
    """The generated columns of the log."""
    return [Column(name, _KINDS.get(name, Number), Fact(name)) for name in _SQLITE]


def fact_indexes() -> list[Index]:
    """The indexes from which metrics are read; each holds all that its query asks for."""
    return [
        _partial("ix_events_spent", MODEL_CALLS, "spent", "at", "input_tokens", "output_tokens",
                 "cost", "calls", "retries"),
        _partial("ix_events_services", SERVICE_CALLS, "at", "calls", "retries"),
        _partial("ix_events_claims", CLAIMS, "task_id", "at"),
        _partial("ix_events_ends", ENDINGS, "at", "id", "kind", "agent", "run", "task_id", "fence",
                 "started_at"),
    ]  # fmt: skip


def _partial(name: str, where: str, *columns: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))
