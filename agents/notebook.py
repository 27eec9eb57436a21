"""``.context/WORKING.md``: a task's working memory, as a file in the clone."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final

from neveridle.board import Attempt, Board
from neveridle.errors import ModelMistake
from neveridle.tools.repository import ConfinedTree
from neveridle.tools.workspace.staging import NOTES

LIMIT: Final = 8_000
"""Characters that are kept."""
READ: Final = 1 << 20
"""Bytes of the file that are read; a larger one is left alone."""
EMPTY: Final = "# Working memory\n\n## Decisions\n\n## Findings\n\n## Open questions\n"


class Notebook:
    """Keeps a task's working memory: in the clone for the agent, on the board for good.

    The board has the last word: it is written after each round of tools, before their
    results become a part of the conversation, so a conversation that is resumed, on this host
    or another, finds what its tools wrote.

    Args:
        board: where it is kept.
        attempt: whose task it is of.
        tree: the clone's working tree; None: there is no file.
    """

    def __init__(self, board: Board, attempt: Attempt, tree: Path | None) -> None:
        self._board = board
        self._attempt = attempt
        self._tree = None if tree is None else ConfinedTree(tree)
        self._saved = ""

    async def begin(self, *, before: int | None = None) -> str:
        """Lay the file out; the working memory so far, empty where there is none.

        Args:
            before: the task whose working memory this one takes over, as after a handoff.
        """
        working = self._board.memories.working
        if before is None:
            self._saved = await working.get(self._attempt.task_id)
        else:
            self._saved = await working.take_over(self._attempt, before)
        if self._tree is not None:
            text = (self._saved or EMPTY).encode("utf-8", "replace")
            try:
                await asyncio.to_thread(self._tree.write, NOTES, text)
            except ModelMistake:  # something stands in its way: the prompt still has it
                self._tree = None
        return self._saved

    async def save(self) -> bool:
        """Keep what the file says by now; whether it said anything new.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """
        if self._tree is None:
            return False
        try:
            found = await asyncio.to_thread(self._tree.read_if_there, NOTES, limit=READ)
        except ModelMistake:  # a link outside, a pipe, or far too large: no notes
            return False
        text = kept(found.decode("utf-8", "replace") if found is not None else "")
        if not found or text in (self._saved, kept(EMPTY)):
            return False
        self._saved = text
        return await self._board.memories.working.save(self._attempt, text)

    async def end(self) -> None:
        """Save it, and take the file away: nothing of it is a part of the work."""
        await self.save()
        if self._tree is not None:
            try:
                await asyncio.to_thread(self._tree.remove, NOTES)
            except ModelMistake:  # what stands there instead is never committed either
                return


def kept(text: str, limit: int = LIMIT) -> str:
    """Working memory as it is kept: without secrets; of long sections the end, with a note."""
    from neveridle.memory.tidy import tidy

    whole = text if len(text) <= READ else text[-READ:]
    parts = re.split(r"(?m)^(?=## )", whole)
    room = max(200, limit // max(1, len(parts)) - 80)
    if len(whole) > limit:
        parts = [_end(part, room) for part in parts][-(limit // 200) :]
    return tidy("".join(parts))[:limit]


def _end(part: str, room: int) -> str:
    if len(part) <= room:
        return part
    head, _, body = part.partition("\n")
    head = head[:100]
    rest = body[-max(0, room - len(head)) :]
    rest = rest.partition("\n")[2] or rest  # begin with a whole line
    return f"{head}\n(… {len(body) - len(rest)} earlier characters were cut)\n{rest}"
