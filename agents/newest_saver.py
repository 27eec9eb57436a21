"""A checkpointer that keeps only the newest checkpoint of each thread, one hop per call."""

from __future__ import annotations

import asyncio
import builtins
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.sqlite import SqliteSaver

T = TypeVar("T")

PRUNE = """
CREATE TRIGGER IF NOT EXISTS keep_newest AFTER INSERT ON checkpoints BEGIN
  DELETE FROM checkpoints WHERE thread_id = NEW.thread_id
    AND checkpoint_ns = NEW.checkpoint_ns AND checkpoint_id < NEW.checkpoint_id;
  DELETE FROM writes WHERE thread_id = NEW.thread_id
    AND checkpoint_ns = NEW.checkpoint_ns AND checkpoint_id < NEW.checkpoint_id;
END
"""


class NewestSaver(SqliteSaver):
    """LangGraph's SQLite checkpointer, pruned as it is written and used from asyncio.

    A trigger prunes in the very transaction that adds, so a thread's size stays flat.
    Each call is one hop to a thread of its own: ``AsyncSqliteSaver`` makes several, and
    a step of the graph waits for all of them.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="neveridle-checkpoints")
        connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
        # A lost step is only done again; what must survive a power cut is on the board.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        super().__init__(connection)
        self.setup()
        connection.execute(PRUNE)
        connection.commit()

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The newest checkpoint of a thread, if it has one."""
        return await self._hop(lambda: self.get_tuple(config))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """The checkpoints there are: one of each thread and namespace."""
        found = await self._hop(
            lambda: list(self.list(config, filter=filter, before=before, limit=limit))
        )
        for one in found:
            yield one

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint; the older ones of its thread and namespace go."""
        return await self._hop(lambda: self.put(config, checkpoint, metadata, new_versions))

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a step of the graph wrote, before the step's checkpoint."""
        await self._hop(lambda: self.put_writes(config, writes, task_id, task_path))

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget a thread."""
        await self._hop(lambda: self.delete_thread(thread_id))

    async def threads(self) -> builtins.list[str]:
        """The ids of all threads, sorted."""
        query = "SELECT thread_id FROM checkpoints UNION SELECT thread_id FROM writes ORDER BY 1"
        return await self._hop(lambda: [str(row[0]) for row in self.conn.execute(query)])

    async def aclose(self) -> None:
        """Close the file."""
        await self._hop(self.conn.close)
        self._thread.shutdown(wait=False)

    async def _hop(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
