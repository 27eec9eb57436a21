"""What aggregates need to know of an event, as typed columns that the database works out.

A column is NULL where the event's data does not hold what it names, or holds it in another
shape: no event is ever refused for its data. On SQLite the columns are generated ones that
take no room in the row; on PostgreSQL a trigger fills them (``neveridle.board.fact_trigger``).
On both they are read from covering indexes only.

Part of ``neveridle.board.schema``; migration 0006 has its own copy, which is frozen.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, Computed, Double, Index, String, text
from sqlalchemy.ext.compiler import compiles

from neveridle.board.fact_kinds import ENDINGS, ENDS, NAME, NEWEST, TOP, listed
from neveridle.board.metadata import Number


class Fact(Computed):
    """What the database works out by itself."""

    inherit_cache = False

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@compiles(Fact)
def _compile(element: Fact, compiler: Any, **_: Any) -> str:
    if compiler.dialect.name == "sqlite":
        return f"GENERATED ALWAYS AS ({_SQLITE[element.name]})"
    return ""  # a plain column, which FACTS_TRIGGER fills


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


def _only(kind: str, then: str, valid: str = "") -> str:
    return f"CASE WHEN kind <> '{kind}' THEN NULL{valid} WHEN {then} END"


_VALID: Final = " WHEN NOT json_valid(data) THEN NULL"
_IDLE: Final = "CASE WHEN task_id IS NULL THEN 'idle' ELSE '' END"
_NAMES: Final = ("rung", "purpose", "model")
_SQLITE_NAMES: Final = " || ".join(f"{_sqlite_name(key)} || char(31)" for key in _NAMES)

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
_KINDS: Final = {"started_at": Double, "spent": String}
MODEL_CALLS: Final = "kind = 'model.call'"
SERVICE_CALLS: Final = "kind = 'service.calls'"
CLAIMS: Final = "kind = 'task.claimed'"


def fact_columns() -> list[Column[Any]]:
    """The columns that nobody writes."""
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
