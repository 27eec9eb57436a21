"""Budgets, permits, the inbox and what is sent from it, controls.

Frozen, as every migration is: it must do tomorrow what it does today.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

revision = "0005"
down_revision = "0004"

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
Number = BigInteger().with_variant(Integer(), "sqlite")
metadata = MetaData(naming_convention=CONVENTION)


def words(name: str) -> Column[str]:
    """A column for text, empty where nothing is said."""
    return Column(name, Text, nullable=False, server_default="")


# Only what others refer to: it is there already.
Table("tasks", metadata, Column("id", Integer, primary_key=True))

Table(
    "budgets",
    metadata,
    Column("scope", String, primary_key=True),
    Column("window", String, primary_key=True),
    Column("ends_at", Double),
    Column("tokens", Number, nullable=False, server_default="0"),
    Column("nanos", Number, nullable=False, server_default="0"),
    Column("calls", Number, nullable=False, server_default="0"),
    Column("held_tokens", Number, nullable=False, server_default="0"),
    Column("held_nanos", Number, nullable=False, server_default="0"),
    Column("closed_at", Double),
    Column("cap_tokens", Number),
    Column("cap_nanos", Number),
    Index("ix_budgets_ends", "ends_at"),
    Index("ix_budgets_closed", "closed_at", sqlite_where=text("closed_at IS NOT NULL"),
          postgresql_where=text("closed_at IS NOT NULL")),
)  # fmt: skip

Table(
    "reservations",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("run", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("task_id", Integer),
    Column("fence", Integer),
    Column("purpose", String, nullable=False),
    Column("model", String, nullable=False),
    Column("tokens", Number, nullable=False),
    Column("nanos", Number, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("until", Double, nullable=False),
    Index("ix_reservations_until", "until"),
    sqlite_autoincrement=True,
)

Table(
    "permits",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("name", String, nullable=False),
    Column("run", String, nullable=False),
    Column("until", Double, nullable=False),
    Index("ix_permits_name", "name", "until"),
    sqlite_autoincrement=True,
)

Table(
    "inbox",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("kind", String, CheckConstraint("kind IN ('question','approval','alert')", name="kind"),
           nullable=False),
    Column("level", String,
           CheckConstraint("level IN ('HUMAN_ALERT','EMERGENCY')", name="level"), nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("title", Text, nullable=False),
    words("body"),
    words("action"),
    Column("evidence", JSON, nullable=False),
    Column("agent", String),
    Column("task_id", Integer, ForeignKey("tasks.id", ondelete="CASCADE")),
    Column("fence", Integer),
    words("interrupt"),
    Column("state", String,
           CheckConstraint("state IN ('open','answered','dismissed','withdrawn')", name="state"),
           nullable=False, server_default="open"),
    Column("answer", JSON),
    words("answered_by"),
    Column("count", Integer, nullable=False, server_default="1"),
    Column("raises", Integer, nullable=False, server_default="0"),
    Column("created_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("raised_at", Double),
    Column("raise_at", Double),
    Column("closed_at", Double),
    Index("ix_inbox_fingerprint", "fingerprint", unique=True, sqlite_where=text("state = 'open'"),
          postgresql_where=text("state = 'open'")),
    Index("ix_inbox_due", "raise_at", sqlite_where=text("state = 'open'"),
          postgresql_where=text("state = 'open'")),
    Index("ix_inbox_task", "task_id"),
    Index("ix_inbox_closed", "closed_at"),
    sqlite_autoincrement=True,
)  # fmt: skip

Table(
    "notifications",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("item", Number, ForeignKey("inbox.id", ondelete="CASCADE"), nullable=False),
    Column("raise", Integer, nullable=False),
    Column("target", String, nullable=False),
    Column("state", String,
           CheckConstraint("state IN ('due','sent','failed')", name="state"), nullable=False,
           server_default="due"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("due_at", Double, nullable=False),
    Column("holder", String, nullable=False, server_default=""),
    Column("held_until", Double),
    Column("sent_at", Double),
    words("error"),
    UniqueConstraint("item", "raise", "target"),
    Index("ix_notifications_due", "due_at", sqlite_where=text("state = 'due'"),
          postgresql_where=text("state = 'due'")),
    sqlite_autoincrement=True,
)  # fmt: skip

Table(
    "controls",
    metadata,
    Column("agent", String, primary_key=True),
    Column(
        "mode",
        String,
        CheckConstraint("mode IN ('paused','draining')", name="mode"),
        primary_key=True,
    ),
    words("reason"),
    words("by"),
    Column("since", Double, nullable=False),
)


NAMES = ("budgets", "reservations", "permits", "inbox", "notifications", "controls")


def upgrade() -> None:
    """Make the tables."""
    metadata.create_all(op.get_bind(), tables=[metadata.tables[name] for name in NAMES])


def downgrade() -> None:
    """Drop them: what was spent and asked is forgotten."""
    for name in reversed(NAMES):
        op.drop_table(name)
