"""neveridle's own memory under measurement: a real board, and the way that agents use it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from neveridle.board import Board
from neveridle.evals.memory.conversation import Conversation
from neveridle.evals.memory.recaller import Recaller
from neveridle.memory import Embedder, Memory


class Remembered:
    """A memory; each conversation belongs to an agent of its own, each session is an episode.

    Args:
        memory: where to store and to recall.
        embedder: its name goes into the report.
    """

    def __init__(self, memory: Memory, embedder: Embedder) -> None:
        self._memory = memory
        self._embedder = embedder
        self._agents: dict[str, str] = {}
        self._turns: dict[int, str] = {}

    @property
    def settings(self) -> dict[str, Any]:
        """The model's name."""
        return {"recall": "memory", "embedder": self._embedder.name, "board": "sqlite"}

    async def ingest(self, conversation: Conversation) -> None:
        """Remember every session, and wait until it is indexed."""
        agent = f"reader-{len(self._agents) + 1}"
        self._agents[conversation.name] = agent
        for session in conversation.sessions:
            for turn in session.turns:
                row = await self._memory.remember(
                    f"{turn.author}: {turn.text}", agent=agent, kind="turn", at=session.at
                )
                self._turns[row] = turn.id
        await self._memory.index_pending()

    async def search(self, conversation: Conversation, query: str, k: int) -> list[str]:
        """The turns that recall gives."""
        hits = await self._memory.recall(query, k=k, agent=self._agents[conversation.name])
        return list(dict.fromkeys(self._turns[hit.row.id] for hit in hits))


@asynccontextmanager
async def remembered(embedder: Embedder) -> AsyncGenerator[Recaller]:
    """A memory in a fresh temporary home with a board on SQLite, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="neveridle-eval-", ignore_cleanup_errors=True) as home:
        folder = Path(home)
        async with Board(f"sqlite:///{folder / 'board.db'}") as board:
            memory = Memory(board.memories, home=folder, embedder=embedder)
            try:
                yield Remembered(memory, embedder)
            finally:
                await memory.close()
