"""Text as the board stores it, whatever a model wrote."""

from __future__ import annotations


def one_line(text: str, limit: int = 300) -> str:
    """``text`` in one line, its end cut off where it is longer than ``limit`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def storable(text: str) -> str:
    """``text`` without what no database takes: half a surrogate pair, and NUL."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
