"""Memories as the commands show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from neveridle.board.memory_row import MemoryRow
    from neveridle.memory import Hit


def as_dict(row: MemoryRow) -> dict[str, Any]:
    """A memory as JSON has it."""
    return {
        "id": row.id,
        "agent": row.agent,
        "kind": row.kind,
        "text": row.text,
        "tags": list(row.tags),
        "source": row.source,
        "author": row.author,
        "importance": row.importance,
        "at": row.at,
        "trusted": row.trusted,
        "visibility": row.visibility,
        "origin": row.origin,
        "state": row.state,
        "strength": row.strength,
        "superseded_by": row.superseded_by,
        "episode": row.episode,
        "position": row.position,
        "task": row.task,
    }


def hit_as_dict(hit: Hit) -> dict[str, Any]:
    """A recalled memory as JSON has it."""
    return {"score": hit.score, "why": hit.why, "reasons": dict(hit.reasons), **as_dict(hit.row)}


def hits_table(hits: list[Hit]) -> Table:
    """Hits, best first: score, provenance, why, and the beginning of the text."""
    from neveridle.cli.screen import table

    rows = [
        (f"{hit.score:.2f}", _number(hit.row), provenance(hit.row), hit.why, line_of(hit.row))
        for hit in hits
    ]
    return table("score", "id", "from", "why", "text", rows=rows)


def rows_table(rows: list[MemoryRow]) -> Table:
    """Memories in the order given."""
    from neveridle.cli.screen import table

    cells = [
        (_number(row), row.kind, row.visibility, provenance(row), ", ".join(row.tags) or "-",
         line_of(row))
        for row in rows
    ]  # fmt: skip
    return table("id", "kind", "seen by", "from", "tags", "text", rows=cells)


def provenance(row: MemoryRow) -> str:
    """Whose memory it is, from where, and when."""
    parts = [row.agent, row.source, day_of(row.at)]
    return " · ".join(part for part in parts if part)


def line_of(row: MemoryRow, width: int = 160) -> str:
    """A memory in a line, marked where it is not proven."""
    text = " ".join(row.text.split())
    who = f"{row.author}: " if row.author else ""
    mark = "" if row.trusted or row.origin == "person" else "(unproven) "
    mark = "(quoted) " if row.origin in ("tool", "tracker") else mark
    cut = text if len(text) <= width else f"{text[: width - 1]}…"
    return f"{mark if row.kind == 'learning' or 'quoted' in mark else ''}{who}{cut}"


def day_of(at: float) -> str:
    """A time to the minute, in this machine's zone; as a number where no calendar has it."""
    from datetime import datetime

    try:
        return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return f"{at:.0f} s"


def _number(row: MemoryRow) -> str:
    return f"#{row.id}" if row.id > 0 else "soul"
