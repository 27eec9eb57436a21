"""A checkpointer that keeps only the newest checkpoint of each thread."""

from __future__ import annotations

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver


class NewestSaver(AsyncSqliteSaver):
    """``AsyncSqliteSaver`` that prunes as it writes, so a thread's size stays flat."""

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint, then drop the older ones of its thread and namespace."""
        saved = await super().aput(config, checkpoint, metadata, new_versions)
        where = saved.get("configurable", {})
        older = (where["thread_id"], where["checkpoint_ns"], where["checkpoint_id"])
        async with self.lock:
            for table in ("checkpoints", "writes"):
                await self.conn.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_ns = ? "  # noqa: S608 - the table is one of two constants
                    "AND checkpoint_id < ?",
                    older,
                )
            await self.conn.commit()
        return saved
