"""Rows of memory as objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neveridle.board.memory_row import MemoryRow
from neveridle.board.rows import decoded
from neveridle.board.schema import memories

COLUMNS = [c for c in memories.c if c.name not in ("stored_at", "digest")]
"""What a ``MemoryRow`` is made from."""
BARE = [c for c in COLUMNS if c.name != "text"]
"""The same, without the text."""


def memory_of(row: Mapping[Any, Any]) -> MemoryRow:
    """The memory in a row of ``COLUMNS`` or ``BARE``."""
    return MemoryRow(
        id=row["id"],
        agent=row["agent"],
        kind=row["kind"],
        text=row.get("text", ""),
        tags=tuple(decoded(row["tags"]) or ()),
        source=row["source"],
        importance=row["importance"],
        at=row["at"],
        trusted=bool(row["trusted"]),
        visibility=row["visibility"],
        state=row["state"],
        origin=row["origin"],
        strength=row["strength"],
        superseded_by=row["superseded_by"],
        episode=row["episode_id"],
        position=row["position"],
        author=row["author"],
        task=row["task_id"],
        fence=row["fence_number"],
        revision=row["revision"],
    )
