"""Controls by agent and mode: who is paused and drained is still paused afterwards.

Frozen, as every migration is: it must do tomorrow what it does today.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import CheckConstraint, Column, Double, MetaData, String, Table, Text

revision = "0017"
down_revision = "0011"

CONVENTION = {"ck": "ck_%(table_name)s_%(constraint_name)s", "pk": "pk_%(table_name)s"}


def upgrade() -> None:
    """Make the table anew, with what it holds."""
    _again(by_mode=True)


def downgrade() -> None:
    """Back to one row for each agent: of one that is paused and drained, the pause stays."""
    op.execute(
        "DELETE FROM controls WHERE mode = 'draining' AND agent IN "
        "(SELECT agent FROM controls WHERE mode = 'paused')"
    )
    _again(by_mode=False)


def _again(*, by_mode: bool) -> None:
    found = op.get_bind().exec_driver_sql(
        'SELECT agent, mode, reason, "by", since FROM controls ORDER BY agent, mode'
    )
    rows = [dict(row) for row in found.mappings()]
    op.drop_table("controls")
    made = Table(
        "controls",
        MetaData(naming_convention=CONVENTION),
        Column("agent", String, primary_key=True),
        Column(
            "mode",
            String,
            CheckConstraint("mode IN ('paused','draining')", name="mode"),
            primary_key=by_mode,
            nullable=False,
        ),
        Column("reason", Text, nullable=False, server_default=""),
        Column("by", Text, nullable=False, server_default=""),
        Column("since", Double, nullable=False),
    )
    made.create(op.get_bind())
    if rows:
        op.bulk_insert(made, rows)
