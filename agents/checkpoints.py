"""Durable threads of work: one per attempt, so that no other can overwrite it."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from neveridle.errors import ExtraMissing

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from neveridle.agents.newest_postgres_saver import NewestPostgresSaver
    from neveridle.agents.newest_saver import NewestSaver


class Checkpoints:
    """The checkpoints of a team's attempts: in a SQLite file, or in the board's PostgreSQL.

    Only the newest checkpoint of a thread is kept: nothing here looks back, and hundreds
    of steps would otherwise each store the whole conversation again.

    Args:
        path: the file, made when first used; unused where the board is on PostgreSQL.
        board: the board's URL.
    """

    def __init__(self, path: Path, board: str = "") -> None:
        self.path = path
        self._url = board if board.startswith("postgres") else ""
        self._saver: NewestSaver | NewestPostgresSaver | None = None
        self._opening = asyncio.Lock()  # two agents may begin to work at once

    async def saver(self) -> NewestSaver | NewestPostgresSaver:
        """The checkpointer to compile a graph with; opened when first used.

        Raises:
            ExtraMissing: the board is on PostgreSQL, and its checkpointer is not installed.
        """
        async with self._opening:
            if self._saver is None:
                self._saver = await (self._on_postgres() if self._url else self._on_sqlite())
            return self._saver

    async def _on_sqlite(self) -> NewestSaver:
        from neveridle.agents.newest_saver import NewestSaver

        self.path.parent.mkdir(parents=True, exist_ok=True)
        return await asyncio.to_thread(NewestSaver, self.path)

    async def _on_postgres(self) -> NewestPostgresSaver:
        try:
            importlib.import_module("langgraph.checkpoint.postgres.aio")
        except ImportError as error:
            msg = f"Checkpoints on PostgreSQL need a package that is missing: {error.name}."
            remedy = "pip install 'neveridle[postgres]'"
            raise ExtraMissing(msg, remedy=remedy) from error
        from neveridle.agents.newest_postgres_saver import NewestPostgresSaver

        return NewestPostgresSaver(self._url)

    async def fork(self, old: str, new: str) -> bool:
        """Begin thread ``new`` where thread ``old`` stood, pending writes included.

        A worker that was only thought dead goes on writing to ``old``: nobody reads it.

        Returns:
            Whether there was anything to begin from.
        """
        return await (await self.saver()).fork(old, new)

    async def exists(self, thread: str) -> bool:
        """Whether a thread has a checkpoint."""
        return await (await self.saver()).aget_tuple(thread_config(thread)) is not None

    async def threads(self) -> list[str]:
        """All threads there are."""
        if not self._url and not await asyncio.to_thread(self.path.exists):
            return []
        return await (await self.saver()).threads()

    async def drop(self, thread: str) -> None:
        """Forget a thread."""
        await (await self.saver()).adelete_thread(thread)

    async def close(self) -> None:
        """Close the file, or disconnect; may be called twice."""
        saver, self._saver = self._saver, None
        if saver is not None:
            await saver.aclose()


def thread_config(thread: str) -> RunnableConfig:
    """LangGraph's configuration for a thread."""
    return {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
