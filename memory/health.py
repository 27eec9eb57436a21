"""What can be checked of memory, without opening its index."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from neveridle.board.inspection import read_only, reading
from neveridle.errors import NeveridleError
from neveridle.health import Check, Finding, Grade, in_thread

if TYPE_CHECKING:
    from pathlib import Path

    from neveridle.settings import Settings

ROWS = "SELECT count(*) FROM memories WHERE state = 'live'"


async def look_at_memory(settings: Settings) -> Sequence[Finding]:
    """Whether the index holds what the rows say it does."""
    return await in_thread(lambda: [_look(settings)])


def _look(settings: Settings) -> Finding:
    if not settings.memory.enabled:
        return Finding(about="memory", message="Memory is off.")
    try:
        with reading(settings.board_url) as reader:
            rows = int(reader.rows(ROWS)[0][0])
    except (NeveridleError, sqlite3.Error):  # the board's own check says what is wrong
        return Finding(about="memory", message="There are no memories yet.")
    held = _held(settings.home / "memory")
    facts: dict[str, Any] = {"rows": rows, "held": held}
    if held is None:
        said = f"{rows:,} memories; there is no index yet."
        return Finding(about="memory", message=said, facts=facts)
    if held > rows:
        msg = f"The index holds {held:,} memories, and the board {rows:,}."
        remedy = "It is mended when a team next recalls; no memory is lost, the board has all."
        return Finding(about="memory", grade=Grade.WARNING, message=msg, remedy=remedy, facts=facts)
    waiting = f", {rows - held:,} of them not indexed yet" if rows > held else ""
    return Finding(about="memory", message=f"{rows:,} memories{waiting}.", facts=facts)


def _held(folder: Path) -> int | None:
    """How many the index holds, by its own file; None: there is none, or it cannot be told."""
    try:
        name = json.loads((folder / "index.json").read_bytes())["folder"]
        file = folder / name / "chroma.sqlite3"
        if not re.fullmatch(r"chroma-[0-9a-f]{8}", name) or not file.is_file():
            return None
        with closing(read_only(file)) as index:
            return int(index.execute("SELECT count(*) FROM embeddings").fetchone()[0])
    except (OSError, ValueError, KeyError, TypeError, sqlite3.Error):
        return None


CHECKS = (Check("memory", look_at_memory),)
