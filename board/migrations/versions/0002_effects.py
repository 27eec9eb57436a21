"""Effects, sync points, outages, and links between tasks.

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
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


Number = BigInteger().with_variant(Integer(), "sqlite")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


# As far as foreign keys need it.
Table("tasks", metadata, Column("id", Integer, primary_key=True))
Table(
    "attempts",
    metadata,
    Column("task_id", Integer, primary_key=True),
    Column("fence", Integer, primary_key=True),
)

effects = Table(
    "effects",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("key", String, nullable=False, unique=True),
    Column("task_id", Integer),
    Column("fence", Integer),
    _text("run"),
    _text("agent"),
    Column("service", String, nullable=False),
    Column("verb", String, nullable=False),
    _text("target"),
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
    _text("error"),
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
    Column("name", Text, nullable=False, unique=True),
    _text("description"),
    Column("lead", String, nullable=False), Column("next_phase", JSON, nullable=False),
    Column("policy", String,
           CheckConstraint("policy IN ('fail','go_on','substitute')", name="policy"),
           nullable=False, server_default="fail"),
    Column("substitutes", JSON, nullable=False),
    Column("deadline", Double, nullable=False), Column("period", Double, nullable=False),
    Column("state", String,
           CheckConstraint("state IN ('open','released','failed','cancelled')", name="state"),
           nullable=False, server_default="open"),
    _text("reason"),
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
    _text("reason"),
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

outages = Table(
    "outages",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("began_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("silent", JSON, nullable=False),
    Column("agents", Integer, nullable=False),
    Column("held_until", Double, nullable=False),
    _text("how"),
    Index("ix_outages_open", "id", sqlite_where=text("ended_at IS NULL"),
          postgresql_where=text("ended_at IS NULL")),
    sqlite_autoincrement=True,
)  # fmt: skip

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

CLOCK_VIEW = {
    "sqlite": "CREATE VIEW board_clock AS SELECT coalesce(c.scripted, max(g.newest, "
    "(julianday('now') - 2440587.5) * 86400.0 + g.ahead)) AS now FROM clock AS c, clock_guard AS g",
    "postgresql": "CREATE VIEW board_clock AS SELECT coalesce(c.scripted, greatest(g.newest, "
    "extract(epoch FROM clock_timestamp())::double precision + g.ahead)) AS now "
    "FROM clock AS c, clock_guard AS g",
}
EARLIER_VIEW = {
    "sqlite": "CREATE VIEW board_clock AS SELECT coalesce(scripted, "
    "(julianday('now') - 2440587.5) * 86400.0) AS now FROM clock",
    "postgresql": "CREATE VIEW board_clock AS SELECT coalesce(scripted, "
    "extract(epoch FROM clock_timestamp())::double precision) AS now FROM clock",
}

revision = "0002"
down_revision = "0001"

TABLES = [
    effects, sync_points, check_ins, sync_tasks, outages, work_times, clock_guard, task_links,
]  # fmt: skip


def upgrade() -> None:
    """Make the tables and an index, and the clock that does not go back."""
    bind = op.get_bind()
    metadata.create_all(bind, tables=TABLES)
    op.create_index("ix_proposals_task", "proposals", ["task_id"])
    op.execute("INSERT INTO clock_guard (id, newest, ahead) VALUES (1, 0, 0)")
    op.execute("DROP VIEW board_clock")
    op.execute(CLOCK_VIEW[bind.dialect.name])


def downgrade() -> None:
    """Drop them, and let the clock follow the database's alone again."""
    bind = op.get_bind()
    op.execute("DROP VIEW board_clock")
    op.execute(EARLIER_VIEW[bind.dialect.name])
    op.drop_index("ix_proposals_task", "proposals")
    metadata.drop_all(bind, tables=TABLES)
