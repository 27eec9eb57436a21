"""The board's tables by which a team is governed: budgets, permits, the inbox, controls.

Part of ``neveridle.board.schema``, from which they are imported. Money is in whole
nano-dollars (1,000,000,000 are one US dollar), so that sums of prices per token are exact.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
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

# What was spent in one window of one scope (see ``neveridle.board.budget``), and what calls
# that are on their way hold of it. Closed: a call was refused, at caps that are noted with it.
# Scopes "overrun:MODEL" are factors instead of sums, see ``overrun_scope``.
budgets = Table(
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

# The worst that calls on their way may cost, as much as is held for them. One whose process
# died is booked as that, for nobody knows what the provider made of it. ``scopes`` holds the
# windows it is held in, and what was promised: {"promised": [tokens, nanos], "windows":
# [[scope, window], …]}; more is held for a model that has broken its promises.
reservations = Table(
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

# Calls at work now, of services and models whose concurrency is capped.
permits = Table(
    "permits",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("name", String, nullable=False),
    Column("run", String, nullable=False),
    Column("until", Double, nullable=False),
    Index("ix_permits_name", "name", "until"),
    sqlite_autoincrement=True,
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("kind", String, CheckConstraint("kind IN ('question','approval','alert')", name="kind"),
           nullable=False),
    Column("level", String,
           CheckConstraint("level IN ('HUMAN_ALERT','EMERGENCY')", name="level"), nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("title", Words, nullable=False),
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

# What leaves the team when an item is raised: one row for each raise and target.
notifications = Table(
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

# Who takes no task because a person said so; the agent ``*`` is everybody.
controls = Table(
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
