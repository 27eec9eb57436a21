"""The board's tables, for SQLite and PostgreSQL alike.

Migrations lead here step by step; a test compares where they arrive with this.
Times are seconds since 1970 by the board's clock, in double precision.
Whoever imports this has all tables, those of ``neveridle.board.coordination``,
``neveridle.board.governing`` and ``neveridle.board.remembering`` among them.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    text,
)

from neveridle.board.coordination import check_ins as check_ins
from neveridle.board.coordination import effects as effects
from neveridle.board.coordination import handoffs as handoffs
from neveridle.board.coordination import messages as messages
from neveridle.board.coordination import sync_points as sync_points
from neveridle.board.coordination import sync_tasks as sync_tasks
from neveridle.board.event_facts import fact_columns, fact_indexes
from neveridle.board.fact_trigger import FACTS_FUNCTION as FACTS_FUNCTION
from neveridle.board.fact_trigger import FACTS_TRIGGER as FACTS_TRIGGER
from neveridle.board.governing import budgets as budgets
from neveridle.board.governing import controls as controls
from neveridle.board.governing import inbox as inbox
from neveridle.board.governing import notifications as notifications
from neveridle.board.governing import permits as permits
from neveridle.board.governing import reservations as reservations
from neveridle.board.metadata import Number, words
from neveridle.board.metadata import metadata as metadata
from neveridle.board.remembering import consolidation_steps as consolidation_steps
from neveridle.board.remembering import consolidations as consolidations
from neveridle.board.remembering import episodes as episodes
from neveridle.board.remembering import memories as memories
from neveridle.board.remembering import memory_revision as memory_revision
from neveridle.board.remembering import memory_signals as memory_signals
from neveridle.board.remembering import memory_tokens as memory_tokens
from neveridle.board.remembering import memory_uses as memory_uses
from neveridle.board.words import Words

STATES = "'pending','in_progress','waiting','blocked','completed','failed','cancelled'"

clock = Table(
    "clock",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single"), primary_key=True),
    Column("scripted", Double),
)

wakeups = Table(
    "wakeups",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single"), primary_key=True),
    Column("version", Number, nullable=False, server_default="0"),
)

agents = Table(
    "agents",
    metadata,
    Column("name", String, primary_key=True),
    words("role"),
    Column("skills", JSON, nullable=False),
    Column("seen_at", Double, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("agent", String, nullable=False),
    words("host"),
    Column("pid", Integer, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("heartbeat_at", Double, nullable=False),
    Column("ended_at", Double),
    Index("ix_runs_live", "agent", sqlite_where=text("ended_at IS NULL"),
          postgresql_where=text("ended_at IS NULL")),
)  # fmt: skip

tasks = Table(
    "tasks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("source", String, nullable=False),
    Column("ref", Words, unique=True),
    words("ticket"),
    Column("title", Words, nullable=False),
    words("description"),
    Column("priority", Integer, nullable=False, server_default="1"),
    Column("assignee", String),
    Column("state", String, CheckConstraint(f"state IN ({STATES})", name="state"),
           nullable=False, server_default="pending"),
    words("waiting_on"),
    Column("waiting_until", Double),
    words("blocked_owner"),
    words("blocked_action"),
    Column("skills", JSON, nullable=False),
    Column("services", JSON, nullable=False),
    Column("acceptance", JSON, nullable=False),
    Column("needs_change", Boolean, nullable=False, server_default=text("true")),
    Column("budget", JSON, nullable=False),
    Column("open_blockers", Integer, CheckConstraint("open_blockers >= 0", name="blockers"),
           nullable=False, server_default="0"),
    Column("unblocks", Integer, nullable=False, server_default="0"),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("expirations", Integer, nullable=False, server_default="0"),
    Column("continues", Integer, ForeignKey("tasks.id")),
    Column("handoff", Integer),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("completed_at", Double),
    # The claim walks this index in order and stops at the first match, so its cost does
    # not grow with what is blocked or finished.
    Index("ix_tasks_runnable", "source", text("priority DESC"), text("unblocks DESC"), "id",
          sqlite_where=text("state = 'pending' AND open_blockers = 0"),
          postgresql_where=text("state = 'pending' AND open_blockers = 0")),
    Index("ix_tasks_waiting", "waiting_until", sqlite_where=text("state = 'waiting'"),
          postgresql_where=text("state = 'waiting'")),
    Index("ix_tasks_state", "state", "completed_at"),
    Index("ix_tasks_continues", "continues"),
    sqlite_autoincrement=True,
)  # fmt: skip

task_skills = Table(
    "task_skills",
    metadata,
    Column("task_id", Integer, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("skill", String, primary_key=True),
    sqlite_with_rowid=False,
)

task_services = Table(
    "task_services",
    metadata,
    Column("task_id", Integer, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("service", String, primary_key=True),
    sqlite_with_rowid=False,
)

task_edges = Table(
    "task_edges",
    metadata,
    Column("task_id", Integer, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("blocker_id", Integer, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Index("ix_task_edges_blocker", "blocker_id"),
    CheckConstraint("task_id <> blocker_id", name="no_self"),
    sqlite_with_rowid=False,
)

attempts = Table(
    "attempts",
    metadata,
    Column("task_id", Integer, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("fence", Integer, primary_key=True),
    Column("run", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("resumes", Integer),
    Column("phase", String, nullable=False, server_default="claimed"),
    Column("state", String, nullable=False, server_default="active"),
    Column("lease_until", Double, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    words("branch"),
    words("base"),
    words("commit"),
    Column("outcome", JSON),
    Column("evidence", JSON),
    words("error_code"),
    words("error"),
    Index("ix_attempts_active", "lease_until", sqlite_where=text("state = 'active'"),
          postgresql_where=text("state = 'active'")),
    Index("ix_attempts_run", "run", sqlite_where=text("state = 'active'"),
          postgresql_where=text("state = 'active'")),
)  # fmt: skip

services = Table(
    "services",
    metadata,
    Column("name", String, primary_key=True),
    Column("usable", Boolean, nullable=False, server_default=text("true")),
    Column("retry_at", Double),
    words("reason"),
    Column("state", String,
           CheckConstraint("state IN ('closed','open','half_open','held')", name="state"),
           nullable=False, server_default="closed"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("opened_at", Double),
    Column("probe_holder", String, nullable=False, server_default=""),
    Column("probe_until", Double),
    Column("credentials", String, nullable=False, server_default=""),
    Column("version", Number, nullable=False, server_default="0"),
)  # fmt: skip

events = Table(
    "events",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("kind", String, nullable=False),
    Column("agent", String),
    Column("run", String),
    Column("task_id", Integer),
    Column("fence", Integer),
    Column("data", JSON, nullable=False),
    *fact_columns(),
    Index("ix_events_kind", "kind", "at"),
    Index("ix_events_task", "task_id", "id"),
    *fact_indexes(),
    sqlite_autoincrement=True,
)

mirror = Table(
    "mirror",
    metadata,
    Column("source", String, primary_key=True),
    Column("ref", Words, primary_key=True),
    Column("data", JSON, nullable=False),
    Column("synced_at", Double, nullable=False),
)

syncs = Table(
    "syncs",
    metadata,
    Column("source", String, primary_key=True),
    words("token"),
    Column("synced_at", Double),
    Column("holder", String),
    Column("held_until", Double),
)

proposals = Table(
    "proposals",
    metadata,
    Column("fingerprint", String, primary_key=True),
    Column("finder", String, nullable=False),
    Column("title", Words, nullable=False),
    words("reason"),
    Column("value", Double, nullable=False),
    Column("task_id", Integer, ForeignKey("tasks.id")),
    Column("created_at", Double, nullable=False),
    Index("ix_proposals_created", "created_at"),
    Index("ix_proposals_task", "task_id"),
)

outages = Table(
    "outages",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("began_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("silent", JSON, nullable=False),
    Column("agents", Integer, nullable=False),
    Column("held_until", Double, nullable=False),
    words("how"),
    Index("ix_outages_open", "id", sqlite_where=text("ended_at IS NULL"),
          postgresql_where=text("ended_at IS NULL")),
    sqlite_autoincrement=True,
)  # fmt: skip

# How long attempts have really been worked on: heartbeats write it, so that neither a dead
# worker's silence nor a clock that jumped counts.
work_times = Table(
    "work_times",
    metadata,
    Column("task_id", Integer, primary_key=True),
    Column("fence", Integer, primary_key=True),
    Column("seconds", Double, nullable=False),
    Column("until", Double, nullable=False),
    ForeignKeyConstraint(["task_id", "fence"], ["attempts.task_id", "attempts.fence"],
                         ondelete="CASCADE"),
    sqlite_with_rowid=False,
)  # fmt: skip

# What keeps the board's time from going back: the newest time known, and by how much the
# board is ahead of the database's own clock since that was set back.
clock_guard = Table(
    "clock_guard",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single"), primary_key=True),
    Column("newest", Double, nullable=False),
    Column("ahead", Double, nullable=False),
)

task_links = Table(
    "task_links",
    metadata,
    Column("task_id", Integer, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("other_id", Integer, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String, primary_key=True),
    Index("ix_task_links_other", "other_id"),
    CheckConstraint("task_id <> other_id", name="no_self"),
    sqlite_with_rowid=False,
)

# The one clock: every time in SQL is read from this view. It follows the database's own time,
# but never back, unless a scripted time is set, which all processes on the board then share.
CLOCK_VIEW = {
    "sqlite": "CREATE VIEW board_clock AS SELECT coalesce(c.scripted, max(g.newest, "
    "(julianday('now') - 2440587.5) * 86400.0 + g.ahead)) AS now FROM clock AS c, clock_guard AS g",
    "postgresql": "CREATE VIEW board_clock AS SELECT coalesce(c.scripted, greatest(g.newest, "
    "extract(epoch FROM clock_timestamp())::double precision + g.ahead)) AS now "
    "FROM clock AS c, clock_guard AS g",
}
board_clock = Table("board_clock", MetaData(), Column("now", Double, nullable=False))
