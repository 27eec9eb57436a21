"""Memory: vectors with the rows, revisions, visibility, episodes, uses, consolidations.

Frozen, as every migration is: it must do tomorrow what it does today.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

revision = "0004"
down_revision = "0003"

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
Number = BigInteger().with_variant(Integer(), "sqlite")
metadata = MetaData(naming_convention=CONVENTION)
before = MetaData(naming_convention=CONVENTION)


def words(name: str) -> Column[str]:
    """A column for text, empty where nothing is said."""
    return Column(name, Text, nullable=False, server_default="")


Table(
    "memory_revision",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single"), primary_key=True),
    Column("revision", Number, nullable=False, server_default="0"),
    Column("pruned_to", Number, nullable=False, server_default="0"),
)

Table(
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

Table(
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
    Column("text", Text, nullable=False),
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

Table(
    "memory_signals",
    metadata,
    Column("memory_id", Number, ForeignKey("memories.id"), primary_key=True, autoincrement=False),
    Column("model", String, nullable=False, server_default=""),
    Column("terms", LargeBinary),
    Column("dense", LargeBinary),
)

Table(
    "memory_tokens",
    metadata,
    Column("memory_id", Number, ForeignKey("memories.id"), primary_key=True, autoincrement=False),
    Column("tokens", LargeBinary, nullable=False),
)

Table(
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

Table(
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

Table(
    "consolidation_steps",
    metadata,
    Column("consolidation_id", Number, ForeignKey("consolidations.id"), primary_key=True,
           autoincrement=False),
    Column("memory_id", Number, ForeignKey("memories.id"), primary_key=True, autoincrement=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
)  # fmt: skip

# As it was before.
Table(
    "memories",
    before,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("agent", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    words("source"),
    Column("importance", Double, nullable=False),
    Column("trusted", Boolean, nullable=False, server_default=text("false")),
    Column("at", Double, nullable=False),
    Column("indexed", Boolean, nullable=False, server_default=text("false")),
    Column("task_id", Integer),
    Column("fence_number", Integer),
    UniqueConstraint("task_id", "fence_number", "kind"),
    Index("ix_memories_unindexed", "id", sqlite_where=text("NOT indexed"),
          postgresql_where=text("NOT indexed")),
    sqlite_autoincrement=True,
)  # fmt: skip

KEPT = "id, agent, kind, text, tags, source, importance, trusted, at, task_id, fence_number"
LAST_ID = {
    "sqlite": "SELECT seq FROM sqlite_sequence WHERE name = 'memories'",
    "postgresql": "SELECT pg_sequence_last_value("
    "pg_get_serial_sequence('memories', 'id')::regclass)",
}


def last_id(bind: Connection) -> int:
    """The highest id that was ever given to a memory; none is given twice."""
    return int(bind.exec_driver_sql(LAST_ID[bind.dialect.name]).scalar() or 0)


def go_on_from(bind: Connection, last: int) -> None:
    """Let the new table's ids begin above ``last``."""
    if bind.dialect.name == "postgresql":
        sequence = "SELECT setval(pg_get_serial_sequence('memories', 'id'), :last)"
        if last:
            bind.execute(text(sequence), {"last": last})
        return
    bind.execute(text("DELETE FROM sqlite_sequence WHERE name = 'memories'"))
    begin = "INSERT INTO sqlite_sequence (name, seq) VALUES ('memories', :last)"
    bind.execute(text(begin), {"last": last})


def upgrade() -> None:
    """Make the table of memories anew with all it held; lessons were everybody's, and stay so."""
    bind = op.get_bind()
    last = last_id(bind)
    op.execute("CREATE TEMPORARY TABLE memories_kept AS SELECT * FROM memories")
    op.drop_table("memories")
    metadata.create_all(bind)
    op.execute(
        f"INSERT INTO memories ({KEPT}, stored_at, revision, visibility) "  # noqa: S608 - ours
        f"SELECT {KEPT}, at, id, 'team' FROM memories_kept ORDER BY id"
    )
    op.execute(
        "INSERT INTO memory_revision (id, revision) SELECT 1, coalesce(max(id), 0) FROM memories"
    )
    op.execute("DROP TABLE memories_kept")
    go_on_from(bind, last)


def downgrade() -> None:
    """Make it as it was; what was superseded, retired or forgotten is lost, and so are uses."""
    bind = op.get_bind()
    last = last_id(bind)
    op.execute("CREATE TEMPORARY TABLE memories_kept AS SELECT * FROM memories")
    metadata.drop_all(bind)
    before.create_all(bind)
    op.execute(
        f"INSERT INTO memories ({KEPT}) "  # noqa: S608 - ours
        f"SELECT {KEPT} FROM memories_kept WHERE state = 'live' ORDER BY id"
    )
    op.execute("DROP TABLE memories_kept")
    go_on_from(bind, last)
