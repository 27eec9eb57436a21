"""The board's tables through which agents coordinate: handoffs, messages, effects, sync points.

Part of ``neveridle.board.schema``, from which they are imported.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from neveridle.board.metadata import Number, metadata, words
from neveridle.board.words import Words

handoffs = Table(
    "handoffs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("task_id", Integer, ForeignKey("tasks.id"), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("dispatch_id", Integer, ForeignKey("tasks.id"), nullable=False),
    Column("sender", String, nullable=False),
    Column("receiver", String, nullable=False),
    Column("document", JSON, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("dispatch_id"),
    Index("ix_handoffs_task", "task_id"),
    sqlite_autoincrement=True,
)

messages = Table(
    "messages",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("channel", String, nullable=False),
    Column("author", String, nullable=False),
    Column("content", Words, nullable=False),
    Column("at", Double, nullable=False),
    Index("ix_messages_channel", "channel", "id"),
    sqlite_autoincrement=True,
)

effects = Table(
    "effects",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("key", String, nullable=False, unique=True),
    Column("task_id", Integer),
    Column("fence", Integer),
    words("run"),
    words("agent"),
    Column("service", String, nullable=False),
    Column("verb", String, nullable=False),
    words("target"),
    Column("content", String, nullable=False, server_default=""),
    Column("safety", String,
           CheckConstraint("safety IN ('natural','client_key','marker','at_least_once')",
                           name="safety"), nullable=False),
    Column("state", String,
           CheckConstraint("state IN ('intended','done','refused','superseded')", name="state"),
           nullable=False, server_default="intended"),
    Column("calls", Integer, nullable=False, server_default="0"),
    Column("request", JSON, nullable=False),
    Column("result", JSON),
    Column("how", String, nullable=False, server_default=""),
    words("error"),
    Column("holder", String, nullable=False, server_default=""),
    Column("held_until", Double),
    Column("created_at", Double, nullable=False),
    Column("called_at", Double),
    Column("settled_at", Double),
    Index("ix_effects_task", "task_id", "id"),
    Index("ix_effects_open", "id", sqlite_where=text("state = 'intended'"),
          postgresql_where=text("state = 'intended'")),
    sqlite_autoincrement=True,
)  # fmt: skip

sync_points = Table(
    "sync_points",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("name", Words, nullable=False, unique=True),
    words("description"),
    Column("lead", String, nullable=False), Column("next_phase", JSON, nullable=False),
    Column("policy", String,
           CheckConstraint("policy IN ('fail','go_on','substitute')", name="policy"),
           nullable=False, server_default="fail"),
    Column("substitutes", JSON, nullable=False),
    Column("deadline", Double, nullable=False), Column("period", Double, nullable=False),
    Column("state", String,
           CheckConstraint("state IN ('open','released','failed','cancelled')", name="state"),
           nullable=False, server_default="open"),
    words("reason"),
    Column("dispatch_id", Integer, ForeignKey("tasks.id", ondelete="SET NULL")),
    Column("created_at", Double, nullable=False), Column("closed_at", Double),
    Index("ix_sync_points_deadline", "deadline", sqlite_where=text("state = 'open'"),
          postgresql_where=text("state = 'open'")),
    sqlite_autoincrement=True,
)  # fmt: skip

check_ins = Table(
    "check_ins",
    metadata,
    Column("point", Integer, ForeignKey("sync_points.id", ondelete="CASCADE"), primary_key=True),
    Column("participant", String, primary_key=True),
    Column("agent", String, nullable=False),
    Column("status", String,
           CheckConstraint("status IN ('expected','ready','blocked','missed')", name="status"),
           nullable=False, server_default="expected"),
    words("reason"),
    Column("task_id", Integer), Column("place", Integer, nullable=False), Column("at", Double),
)  # fmt: skip

sync_tasks = Table(
    "sync_tasks",
    metadata,
    Column("task_id", Integer, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("point", Integer, ForeignKey("sync_points.id", ondelete="CASCADE"), nullable=False),
    Column("participant", String, nullable=False),
    Index("ix_sync_tasks_point", "point"),
    sqlite_with_rowid=False,
)
