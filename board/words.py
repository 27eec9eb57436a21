"""A column for text, whatever a model wrote."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

from neveridle.board.storable import storable


class Words(TypeDecorator[str]):
    """A text column that takes any string, see ``storable``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """What is sent to the database."""
        return None if value is None else storable(value)
