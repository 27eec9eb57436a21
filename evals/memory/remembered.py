"""neveridle's own memory under measurement: a real board, and the way that agents use it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from neveridle.board import Board
from neveridle.evals.memory.conversation import Conversation
from neveridle.evals.memory.recaller import Recaller
from neveridle.memory import Embedder, Memory
from neveridle.memory.note import Turn

Mode = Literal["hybrid", "dense", "lexical"]


class Remembered:
    """A memory; each conversation belongs to an agent of its own, each session is an episode.

    Args:
        memory: where to store and to recall.
        embedder: its name goes into the report.
        mode: how it recalls, see ``Memory.recall``.
    """

    def __init__(self, memory: Memory, embedder: Embedder, *, mode: Mode = "hybrid") -> None:
        self._memory = memory
        self._embedder = embedder
        self._mode: Mode = mode
        self._agents: dict[str, str] = {}
        self._turns: dict[int, str] = {}

    @property
    def settings(self) -> dict[str, Any]:
        """The model's name, and how it recalls."""
        return {
            "recall": "memory",
            "mode": self._mode,
            "embedder": self._embedder.name,
            "board": "sqlite",
        }

    async def ingest(self, conversation: Conversation) -> None:
        """Remember every session, and wait until it is indexed."""
        agent = f"reader-{len(self._agents) + 1}"
        self._agents[conversation.name] = agent
        for session in conversation.sessions:
            rows = await self._memory.remember_episode(
                [Turn(turn.author, turn.text, session.at) for turn in session.turns],
                agent=agent,
                key=session.name,
                title=conversation.name,
                origin="person",
            )
            for row, turn in zip(rows, session.turns, strict=True):
                self._turns[row] = turn.id
        await self._memory.index_pending()

    async def search(self, conversation: Conversation, query: str, k: int) -> list[str]:
        """The turns that recall gives."""
        agent = self._agents[conversation.name]
        hits = await self._memory.recall(query, k=k, agent=agent, mode=self._mode)
        return list(dict.fromkeys(self._turns[hit.row.id] for hit in hits))


@asynccontextmanager
async def remembered(embedder: Embedder, *, mode: Mode = "hybrid") -> AsyncGenerator[Recaller]:
    """A memory in a fresh temporary home with a board on SQLite, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="neveridle-eval-", ignore_cleanup_errors=True) as home:
        folder = Path(home)
        async with Board(f"sqlite:///{folder / 'board.db'}") as board:
            memory = Memory(board.memories, home=folder, embedder=embedder)
            try:
                yield Remembered(memory, embedder, mode=mode)
            finally:
                await memory.close()
