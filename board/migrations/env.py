"""How Alembic reaches the board: through the connection that the caller opened."""

from __future__ import annotations

from alembic import context

from neveridle.board.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
)
context.run_migrations()
