"""Durable threads of work: one per attempt, so that no other can overwrite it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from neveridle.agents.newest_saver import NewestSaver


class Checkpoints:
    """The checkpoints of a team's attempts, in one SQLite file.

    Only the newest checkpoint of a thread is kept: nothing here looks back, and hundreds
    of steps would otherwise each store the whole conversation again.

    Args:
        path: the file; made when first used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._saver: NewestSaver | None = None
        self._opening = asyncio.Lock()  # two agents may begin to work at once

    async def saver(self) -> NewestSaver:
        """The checkpointer to compile a graph with; opened when first used."""
        async with self._opening:
            if self._saver is None:
                from neveridle.agents.newest_saver import NewestSaver

                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._saver = await asyncio.to_thread(NewestSaver, self.path)
            return self._saver

    async def fork(self, old: str, new: str) -> bool:
        """Begin thread ``new`` where thread ``old`` stood, pending writes included.

        A worker that was only thought dead goes on writing to ``old``: nobody reads it.

        Returns:
            Whether there was anything to begin from.
        """
        saver = await self.saver()
        last = await saver.aget_tuple(thread_config(old))
        if last is None:
            return False
        begun = await saver.aput(
            thread_config(new), last.checkpoint, last.metadata, last.checkpoint["channel_versions"]
        )
        writes: dict[str, list[tuple[str, object]]] = {}
        for task, channel, value in last.pending_writes or []:
            writes.setdefault(task, []).append((channel, value))
        for task, values in writes.items():
            await saver.aput_writes(begun, values, task)
        return True

    async def exists(self, thread: str) -> bool:
        """Whether a thread has a checkpoint."""
        return await (await self.saver()).aget_tuple(thread_config(thread)) is not None

    async def threads(self) -> list[str]:
        """All threads there are."""
        if not await asyncio.to_thread(self.path.exists):
            return []
        return await (await self.saver()).threads()

    async def drop(self, thread: str) -> None:
        """Forget a thread."""
        await (await self.saver()).adelete_thread(thread)

    async def close(self) -> None:
        """Close the file; may be called twice."""
        saver, self._saver = self._saver, None
        if saver is not None:
            await saver.aclose()


def thread_config(thread: str) -> RunnableConfig:
    """LangGraph's configuration for a thread."""
    return {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
