"""Giving space back to the disk, whichever database the board is on."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from neveridle.board.board import database_for


class Upkeep(Protocol):
    """Upkeep of a board's database; safe while a team works on it."""

    async def reclaim(self) -> int:
        """Give back some space without holding anybody up; bytes given back."""
        ...

    async def vacuum(self) -> int:
        """Give back all the space there is; bytes given back."""
        ...


def upkeep_for(url: str) -> Upkeep:
    """The upkeep of the database behind a URL.

    Raises:
        BoardUnusable: the URL is of no known kind.
        ExtraMissing: it is PostgreSQL's, and psycopg is not installed.
    """
    database_for(url)  # says what is wrong with the URL
    if url.startswith("sqlite"):
        from neveridle.board.sqlite.upkeep import SqliteUpkeep

        return SqliteUpkeep(Path(url.removeprefix("sqlite:///")))
    from neveridle.board.postgres.upkeep import PostgresUpkeep

    return PostgresUpkeep(url)
