"""The board's tables of memory: the rows are the truth, whatever index is built over them.

Part of ``neveridle.board.schema``, from which they are imported. Text stands apart from
what is computed from it, so that all vectors can be read without reading all texts.
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
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    text,
)

from neveridle.board.metadata import Number, metadata, words
from neveridle.board.words import Words

# One row: the number of the last change. Who changes memories raises it in the same
# transaction and gives it to the rows, so that in the order of revisions none ever comes late.
memory_revision = Table(
    "memory_revision",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single"), primary_key=True),
    Column("revision", Number, nullable=False, server_default="0"),
    # Of what is forgotten some rows up to this change are gone altogether: who followed to a
    # point before it cannot learn of them any more, and has to begin anew.
    Column("pruned_to", Number, nullable=False, server_default="0"),
)

episodes = Table(
    "episodes",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("agent", String, nullable=False),
    Column("key", String, nullable=False),
    words("title"),
    words("source"),
    Column("at", Double, nullable=False),
    UniqueConstraint("agent", "key"),
    sqlite_autoincrement=True,
)

memories = Table(
    "memories",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("revision", Number, nullable=False),
    Column("agent", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("visibility", String,
           CheckConstraint("visibility IN ('private','team','public')", name="visibility"),
           nullable=False, server_default="private"),
    Column("state", String,
           CheckConstraint("state IN ('live','superseded','retired','forgotten')", name="state"),
           nullable=False, server_default="live"),
    Column("origin", String,
           CheckConstraint("origin IN ('person','agent','tool','tracker')", name="origin"),
           nullable=False, server_default="agent"),
    Column("trusted", Boolean, nullable=False, server_default=text("false")),
    Column("importance", Double, nullable=False),
    Column("strength", Integer, nullable=False, server_default="1"),
    Column("superseded_by", Number),
    Column("at", Double, nullable=False),
    Column("stored_at", Double, nullable=False),
    Column("episode_id", Number, ForeignKey("episodes.id")),
    Column("position", Integer),
    # At most one lesson per attempt: a reflection that is repeated after a crash adds nothing.
    Column("task_id", Integer),
    Column("fence_number", Integer),
    Column("digest", String, nullable=False, server_default=""),
    words("author"),
    words("source"),
    Column("tags", JSON, nullable=False),
    Column("text", Words, nullable=False),
    UniqueConstraint("task_id", "fence_number", "kind"),
    Index("ix_memories_revision", "revision"),
    Index("ix_memories_agent", "agent", "id"),
    Index("ix_memories_digest", "digest"),
    Index("ix_memories_episode", "episode_id", "position",
          sqlite_where=text("episode_id IS NOT NULL"),
          postgresql_where=text("episode_id IS NOT NULL")),
    Index("ix_memories_forgotten", "stored_at", "id",
          sqlite_where=text("state = 'forgotten'"),
          postgresql_where=text("state = 'forgotten'")),
    Index("ix_memories_superseded", "superseded_by",
          sqlite_where=text("superseded_by IS NOT NULL"),
          postgresql_where=text("superseded_by IS NOT NULL")),
    sqlite_autoincrement=True,
)  # fmt: skip

# What recall computes with; `dense` is float16, little-endian, of length 1.
memory_signals = Table(
    "memory_signals",
    metadata,
    Column("memory_id", Number, ForeignKey("memories.id"), primary_key=True, autoincrement=False),
    Column("model", String, nullable=False, server_default=""),
    Column("terms", LargeBinary),
    Column("dense", LargeBinary),
)

# Token vectors, quantized: large, and read only for the best candidates.
memory_tokens = Table(
    "memory_tokens",
    metadata,
    Column("memory_id", Number, ForeignKey("memories.id"), primary_key=True, autoincrement=False),
    Column("tokens", LargeBinary, nullable=False),
)

memory_uses = Table(
    "memory_uses",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("memory_id", Number, ForeignKey("memories.id"), nullable=False),
    Column("task_id", Integer, nullable=False),
    Column("fence_number", Integer, nullable=False),
    Column("how", String, CheckConstraint("how IN ('prompt','tool')", name="how"), nullable=False),
    Column("rank", Integer, nullable=False),
    Column("score", Double, nullable=False),
    Column("at", Double, nullable=False),
    UniqueConstraint("task_id", "fence_number", "memory_id"),
    Index("ix_memory_uses_memory", "memory_id"),
    sqlite_autoincrement=True,
)

consolidations = Table(
    "consolidations",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("agent", String, nullable=False),
    Column("cause", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("undone_at", Double),
    Index("ix_consolidations_agent", "agent", "id"),
    sqlite_autoincrement=True,
)

# What was changed, as it was before and is after: enough to undo it, and to refuse to
# where somebody has changed the row since.
consolidation_steps = Table(
    "consolidation_steps",
    metadata,
    Column("consolidation_id", Number, ForeignKey("consolidations.id"), primary_key=True,
           autoincrement=False),
    Column("memory_id", Number, ForeignKey("memories.id"), primary_key=True, autoincrement=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
)  # fmt: skip
