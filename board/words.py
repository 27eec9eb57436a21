"""Text as the board stores it, whatever a model wrote."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator


def storable(text: str) -> str:
    """``text`` without what no database takes: half a surrogate pair, and NUL."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


class Words(TypeDecorator[str]):
    """A text column that takes any string, see ``storable``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """What is sent to the database."""
        return None if value is None else storable(value)
