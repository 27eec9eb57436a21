"""Bringing a board's schema up to date, and back."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from neveridle.errors import BoardUnusable

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

HEAD = "0006"
"""The newest revision; a test compares it with the migrations."""

_ALEMBIC = threading.Lock()
"""Alembic keeps the running migration in module globals: one at a time in a process."""


def config(connection: Connection) -> Config:
    """Alembic's configuration for one open connection."""
    from alembic.config import Config

    found = Config()
    found.set_main_option(
        "script_location", str(Path(__file__).parent / "migrations").replace("%", "%%")
    )
    found.attributes["connection"] = connection
    return found


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema up to ``revision``; nothing happens where it is there already.

    Raises:
        BoardUnusable: the schema is of a revision that this version does not know.
    """
    from alembic import command

    settings = config(connection)
    with _ALEMBIC:
        _refuse_unknown(connection, settings)
        command.upgrade(settings, revision)


def downgrade(connection: Connection, revision: str) -> None:
    """Take the schema back to ``revision`` (``base``: nothing is left)."""
    from alembic import command

    with _ALEMBIC:
        command.downgrade(config(connection), revision)


def _refuse_unknown(connection: Connection, settings: Config) -> None:
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
    for found in MigrationContext.configure(connection).get_current_heads():
        if found not in known:
            msg = f"The board's schema is of revision '{found}', which this version does not know."
            remedy = "A newer neveridle made it: upgrade this one, or give it a board of its own."
            raise BoardUnusable(msg, remedy=remedy)
