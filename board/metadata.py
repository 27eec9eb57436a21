"""What all of the board's tables share: the metadata, and kinds of columns."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData

from neveridle.board.words import Words

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
"""What is counted without end; SQLite counts that far with any integer."""


def words(name: str) -> Column[str]:
    """A column for text, empty where nothing is said."""
    return Column(name, Words, nullable=False, server_default="")
