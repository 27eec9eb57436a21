"""Text as the board stores it, whatever a model wrote."""

from __future__ import annotations


def storable(text: str) -> str:
    """``text`` without what no database takes: half a surrogate pair, and NUL."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
