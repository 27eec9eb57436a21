"""Typed facts of events, as generated columns, and the indexes that metrics are read from.

Frozen, as every migration is: it must do tomorrow what it does today. On SQLite the log is
copied, so that its definition is the one that a new board has; on PostgreSQL it is rewritten
in place. Either takes longer the longer the log is, and room for it twice.
"""

from __future__ import annotations

from typing import Any, Final

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Computed,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    text,
)
from sqlalchemy.schema import CreateTable

revision = "0006"
down_revision = "0005"

Number = BigInteger().with_variant(Integer(), "sqlite")

RUN_ENDS: Final = ("run.ended", "run.died")
ENDS: Final = (
    "task.completed",
    "attempt.failed",
    "attempt.released",
    "attempt.parked",
    "attempt.expired",
    "task.blocked",
    "task.handed_off",
    "task.cancelled",
    *RUN_ENDS,
)
SEPARATOR: Final = "\x1f"
NAME: Final = 80
TOP: Final = 999_999_999_999_999
NEWEST: Final = 99_999_999_999
DIGITS: Final = len(str(TOP))
FILLED: Final = ("model.call", "service.calls", *ENDS)


def listed(kinds: tuple[str, ...]) -> str:
    """Kinds as a list in SQL."""
    return "(" + ", ".join(f"'{kind}'" for kind in kinds) + ")"


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


def _filled(raw: str) -> str:
    return (
        f"CASE WHEN length({raw}) <= {DIGITS} AND ltrim({raw}, '0123456789') = ''"
        f" THEN {raw}::bigint END"
    )


def _quoted(value: str) -> str:
    return f"""CASE WHEN left({value}, 1) = '"' THEN left(btrim({value}, '"'), {NAME}) END"""


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
    "retries": _only("service.calls", _sqlite_number("retries"), _VALID),
}
KINDS: Final = {"started_at": Double, "spent": String}
MODEL_CALLS: Final = "kind = 'model.call'"
SERVICE_CALLS: Final = "kind = 'service.calls'"
CLAIMS: Final = "kind = 'task.claimed'"
ENDINGS: Final = f"kind IN {listed((*ENDS, 'task.escalated'))}"
_TYPES: Final = {"started_at": "double precision", "spent": "varchar"}

# An escape such as \u0000 cannot be unpacked on PostgreSQL, nor half a surrogate pair: it is read
# as a space, and names only where nothing is escaped at all. E'' means the same in every session.
UNESCAPED: Final = (
    "CASE WHEN strpos(NEW.data::text, chr(92)) = 0 THEN NEW.data ELSE regexp_replace("
    r"NEW.data::text, E'\\\\u(0000|d[89a-f][0-9a-f]{2})', E'\\\\u0020', 'gi')::json END"
)
# ``->`` gives what is written: text is still in its quotes, and no number is rounded.
FUNCTION: Final = rf"""
CREATE FUNCTION event_facts() RETURNS trigger LANGUAGE plpgsql AS $facts$
DECLARE
  d json;
  raw text;
  input text;
  output text;
  price text;
  tries text;
  rung text;
  purpose text;
  model text;
BEGIN
  IF NEW.kind = 'model.call' THEN
    IF strpos(NEW.data::text, chr(92)) > 0 THEN
      d := {UNESCAPED};
    ELSE
      d := NEW.data;
      rung := d -> 'rung';
      purpose := d -> 'purpose';
      model := d -> 'model';
    END IF;
    input := d -> 'input_tokens';
    output := d -> 'output_tokens';
    price := d -> 'cost';
    tries := d -> 'tries';
    -- Nearly always all are as they should be: then they are looked at together.
    IF greatest(length(input), length(output), length(price), length(tries)) <= {DIGITS}
      AND ltrim(input || output || price || tries, '0123456789') = '' AND tries <> '0' THEN
      NEW.input_tokens := input;
      NEW.output_tokens := output;
      NEW.cost := price;
      NEW.calls := tries;
    ELSE
      NEW.input_tokens := {_filled("input")};
      NEW.output_tokens := {_filled("output")};
      NEW.cost := {_filled("price")};
      NEW.calls := coalesce(nullif({_filled("tries")}, 0), 1);
    END IF;
    raw := d -> 'retries';
    NEW.retries := {_filled("raw")};
    NEW.spent := concat(replace(left(NEW.agent, {NAME}), chr(31), ' '), chr(31), {_quoted("rung")},
      chr(31), {_quoted("purpose")}, chr(31), {_quoted("model")}, chr(31),
      CASE WHEN NEW.task_id IS NULL THEN 'idle' END);
  ELSIF NEW.kind = 'service.calls' THEN
    d := {UNESCAPED};
    raw := d -> 'calls';
    NEW.calls := {_filled("raw")};
    raw := d -> 'retries';
    NEW.retries := {_filled("raw")};
  ELSIF NEW.kind IN {listed(ENDS)} THEN
    d := {UNESCAPED};
    raw := d -> 'started_at';
    IF raw ~ E'^[0-9]{{1,15}}(\\.[0-9]{{1,30}})?([eE][+-]?[0-9]{{1,2}})?$' THEN
      NEW.started_at := CASE WHEN raw::double precision BETWEEN 1 AND {NEWEST}
        THEN raw::double precision END;
    END IF;
  END IF;
  RETURN NEW;
END $facts$
"""

TRIGGER: Final = (
    "CREATE TRIGGER event_facts BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION event_facts()"
)


def log(*more: Column[Any]) -> Table:
    """The log, with its old indexes."""
    return Table(
        "events",
        MetaData(),
        Column("id", Number, primary_key=True, autoincrement=True),
        Column("at", Double, nullable=False),
        Column("kind", String, nullable=False),
        Column("agent", String),
        Column("run", String),
        Column("task_id", Integer),
        Column("fence", Integer),
        Column("data", JSON, nullable=False),
        *more,
        Index("ix_events_kind", "kind", "at"),
        Index("ix_events_task", "task_id", "id"),
        sqlite_autoincrement=True,
    )


def index(table: Table, name: str, where: str, *columns: str) -> None:
    """Make a partial index."""
    made = Index(name, *(table.c[column] for column in columns), sqlite_where=text(where),
                 postgresql_where=text(where))  # fmt: skip
    made.create(op.get_bind())


def facts(*, generated: bool) -> list[Column[Any]]:
    """The new columns."""
    return [
        Column(name, KINDS.get(name, Number),
               *([Computed(text(sql.replace(":", "\\:")))] if generated else []))
        for name, sql in _SQLITE.items()
    ]  # fmt: skip


def copy(table: Table) -> None:
    """Put the log into a table of another shape; its ids are never given again (SQLite)."""
    bind, old = op.get_bind(), log()
    for one in old.indexes:
        op.drop_index(str(one.name), "events")
    op.rename_table("events", "events_before")
    bind.execute(CreateTable(table))
    names = ", ".join(old.c.keys())
    bind.exec_driver_sql(
        f"INSERT INTO events ({names}) SELECT {names} FROM events_before ORDER BY id"  # noqa: S608 - names of our own
    )
    bind.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = 'events'")
    bind.exec_driver_sql(
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'events', seq FROM sqlite_sequence"
        " WHERE name = 'events_before'"
    )
    op.drop_table("events_before")
    for one in table.indexes:
        one.create(bind)


def fill(table: Table) -> None:
    """Add the columns, and have the trigger fill them for the events there are (PostgreSQL)."""
    bind = op.get_bind()
    added = ", ".join(f"ADD COLUMN {name} {_TYPES.get(name, 'bigint')}" for name in _SQLITE)
    bind.exec_driver_sql(f"ALTER TABLE events {added}")
    bind.exec_driver_sql(FUNCTION)
    bind.exec_driver_sql(TRIGGER)
    once = TRIGGER.replace("TRIGGER event_facts BEFORE INSERT", "TRIGGER once BEFORE UPDATE")
    bind.exec_driver_sql(once)
    bind.exec_driver_sql(
        f"UPDATE events SET kind = kind WHERE kind IN {listed(FILLED)}"  # noqa: S608 - our own
    )
    bind.exec_driver_sql("DROP TRIGGER once ON events")


def upgrade() -> None:
    """Add the columns, and then the indexes."""
    bind = op.get_bind()
    sqlite = bind.dialect.name == "sqlite"
    table = log(*facts(generated=sqlite))
    if sqlite:
        copy(table)
    else:
        fill(table)
    index(table, "ix_events_spent", MODEL_CALLS, "spent", "at", "input_tokens", "output_tokens",
          "cost", "calls")  # fmt: skip
    index(table, "ix_events_services", SERVICE_CALLS, "at", "calls", "retries")
    index(table, "ix_events_claims", CLAIMS, "task_id", "at")
    index(table, "ix_events_ends", ENDINGS, "at", "id", "kind", "agent", "run", "task_id", "fence",
          "started_at")  # fmt: skip
    if not sqlite:
        bind.exec_driver_sql("ANALYZE events")


def downgrade() -> None:
    """Take them away again; the events stay."""
    for name in ("ends", "claims", "services", "spent"):
        op.drop_index(f"ix_events_{name}", "events")
    if op.get_bind().dialect.name == "sqlite":
        copy(log())
    else:
        op.execute("DROP TRIGGER event_facts ON events")
        op.execute("DROP FUNCTION event_facts()")
        for name in _SQLITE:
            op.drop_column("events", name)
