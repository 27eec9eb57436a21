"""The breakers of services.

Frozen, as every migration is: it must do tomorrow what it does today.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

revision = "0003"
down_revision = "0002"

CONVENTION = {"ck": "ck_%(table_name)s_%(constraint_name)s", "pk": "pk_%(table_name)s"}
Number = BigInteger().with_variant(Integer(), "sqlite")


def _services(*more: Column[object] | Column[str] | Column[int] | Column[float]) -> Table:
    return Table(
        "services",
        MetaData(naming_convention=CONVENTION),
        Column("name", String, primary_key=True),
        Column("usable", Boolean, nullable=False, server_default=text("true")),
        Column("retry_at", Double),
        Column("reason", Text, nullable=False, server_default=""),
        *more,
    )


def upgrade() -> None:
    """Make the table of services anew: nothing has written to it before."""
    op.drop_table("services")
    _services(
        Column("state", String,
               CheckConstraint("state IN ('closed','open','half_open','held')", name="state"),
               nullable=False, server_default="closed"),
        Column("failures", Integer, nullable=False, server_default="0"),
        Column("opened_at", Double),
        Column("probe_holder", String, nullable=False, server_default=""),
        Column("probe_until", Double),
        Column("credentials", String, nullable=False, server_default=""),
        Column("version", Number, nullable=False, server_default="0"),
    ).create(op.get_bind())  # fmt: skip


def downgrade() -> None:
    """Make it as it was; what is open or held is tried again."""
    op.drop_table("services")
    _services().create(op.get_bind())
