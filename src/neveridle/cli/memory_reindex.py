"""``neveridle memory reindex``: the vectors and the index anew."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board
    from neveridle.memory import Memory


def reindex_command(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Make the vectors of the configured model that are missing, and the index over them anew.

    No memory is touched. It can be interrupted, and goes on where it was.
    """
    from neveridle.cli.memory_opened import on_memory
    from neveridle.cli.project import load
    from neveridle.cli.screen import print_json, say

    shown = not json and sys.stderr.isatty()

    async def work(memory: Memory, board: Board) -> int:
        return await memory.reindex(_told if shown else None)

    count = on_memory(load(config), work, create=False)
    if shown:
        sys.stderr.write("\r\x1b[K")
    if json:
        print_json({"indexed": count})
    else:
        say(f"{count:,} memories are in the index.")


def _told(what: str, done: int, of: int) -> None:
    sys.stderr.write(f"\r\x1b[K{what}: {done:,} of {of:,}")
    sys.stderr.flush()
