"""Folded messages on disk: beside the checkpoints of the thread they were folded from."""

from __future__ import annotations

from collections.abc import Sequence

from neveridle.agents.checkpoints import Checkpoints
from neveridle.memory.compaction.history import Folded


class ThreadHistory:
    """The folded messages of one thread.

    They live and die with the thread's checkpoint, in the same database: a takeover forks
    both, and what is forgotten is forgotten together. Nothing is written unless something is
    folded.

    Args:
        checkpoints: where the thread lies.
        thread: its id.
    """

    def __init__(self, checkpoints: Checkpoints, thread: str) -> None:
        self._checkpoints = checkpoints
        self._thread = thread

    async def add(self, messages: Sequence[Folded]) -> None:
        """See ``FoldedHistory``."""
        # Surrogates and NUL have no place in a database's text, so bytes are kept.
        rows = [
            (one.number, one.id, one.role, one.name, one.text.encode("utf-8", "surrogatepass"))
            for one in messages
        ]
        if rows:
            await (await self._checkpoints.saver()).fold(self._thread, rows)

    async def all(self) -> list[Folded]:
        """See ``FoldedHistory``."""
        rows = await (await self._checkpoints.saver()).folded(self._thread)
        return [
            Folded(number, id, role, name, text.decode("utf-8", "surrogatepass"))
            for number, id, role, name, text in rows
        ]
