"""An index of the windows of budgets that are closed.

Frozen, as every migration is: it must do tomorrow what it does today.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0011"
down_revision = "0005"

NAME = "ix_budgets_closed"
CLOSED = "closed_at IS NOT NULL"


def upgrade() -> None:
    """Make it: there is a window for each task, and hardly one of them is closed."""
    op.create_index(
        NAME, "budgets", ["closed_at"], sqlite_where=text(CLOSED), postgresql_where=text(CLOSED)
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index(NAME, "budgets")
