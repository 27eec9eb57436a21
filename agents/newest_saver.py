"""A checkpointer that keeps only the newest checkpoint of each thread, one hop per call."""

from __future__ import annotations

import asyncio
import builtins
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
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

from neveridle.agents.unreadable import reading, whole
from neveridle.board.simulation import one_thread
from neveridle.errors import DiskFull

T = TypeVar("T")

FoldedRow = tuple[int, str, str, str, bytes]
"""A folded message: its number, id, role, the tool's name, and its text in UTF-8."""

PRUNE = """
CREATE TRIGGER IF NOT EXISTS keep_newest AFTER INSERT ON checkpoints BEGIN
  DELETE FROM checkpoints WHERE thread_id = NEW.thread_id
    AND checkpoint_ns = NEW.checkpoint_ns AND checkpoint_id < NEW.checkpoint_id;
  DELETE FROM writes WHERE thread_id = NEW.thread_id
    AND checkpoint_ns = NEW.checkpoint_ns AND checkpoint_id < NEW.checkpoint_id;
END
"""

# Messages that compaction took out of a conversation. Beside the checkpoints, not in them: a
# checkpoint is written anew with each step. In one file, what is folded is on disk before the
# checkpoint that misses it.
FOLDED = """
CREATE TABLE IF NOT EXISTS folded (
  thread_id TEXT NOT NULL, number INTEGER NOT NULL, id TEXT NOT NULL, role TEXT NOT NULL,
  name TEXT NOT NULL, text BLOB NOT NULL, PRIMARY KEY (thread_id, number)) WITHOUT ROWID
"""

FORK = (
    """
    INSERT OR IGNORE INTO folded (thread_id, number, id, role, name, text)
    SELECT :new, number, id, role, name, text FROM folded WHERE thread_id = :old
    """,
    """
    INSERT OR IGNORE INTO writes
      (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value)
    SELECT :new, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value
    FROM writes WHERE thread_id = :old
    """,
    """
    INSERT OR IGNORE INTO checkpoints
      (thread_id, checkpoint_ns, checkpoint_id, type, checkpoint, metadata)
    SELECT :new, checkpoint_ns, checkpoint_id, type, checkpoint, metadata
    FROM checkpoints WHERE thread_id = :old
    """,
)


class NewestSaver(SqliteSaver):
    """LangGraph's SQLite checkpointer, pruned as it is written and used from asyncio.

    A trigger prunes in the very transaction that adds, so a thread's size stays flat.
    Each call is one hop to a thread of its own: ``AsyncSqliteSaver`` makes several, and
    a step of the graph waits for all of them.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        # What went wrong with writes nobody waited for, by thread of the graph.
        self._failed: dict[str, Exception] = {}
        self._path = path
        self._thread = one_thread("neveridle-checkpoints")
        connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
        # A lost step is only done again; what must survive a power cut is on the board.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        # Steps come by the thousand: copying the log back every 1,000 pages was a third of
        # what a step costs. So the log may reach 16 MB.
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        super().__init__(connection)
        self.setup()
        connection.execute(PRUNE)
        connection.execute(FOLDED)
        connection.commit()

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The newest checkpoint of a thread, if it has one."""
        return await self._hop(lambda: self._ask(config))

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

        def work() -> RunnableConfig:
            self._raise(config)
            return self.put(config, checkpoint, metadata, new_versions)

        return await self._hop(work)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a step of the graph wrote, before the step's checkpoint.

        Not waited for: calls are done in their order, so the checkpoint that follows is the
        proof, and it raises what went wrong here.
        """

        def work() -> None:
            try:
                self.put_writes(config, writes, task_id, task_path)
            except Exception as error:  # noqa: BLE001 - raised by the thread's next call
                self._failed[_thread_of(config)] = error

        self._thread.submit(work)

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget a thread."""

        def work() -> None:
            self._failed.pop(thread_id, None)
            self.delete_thread(thread_id)
            with self.lock, self.conn as transaction:
                transaction.execute("DELETE FROM folded WHERE thread_id = ?", (thread_id,))

        await self._hop(work)

    async def fold(self, thread: str, rows: Sequence[FoldedRow]) -> None:
        """Keep folded messages of a thread; a number that is there already stays as it is."""

        def work() -> None:
            with self.lock, self.conn as transaction:
                transaction.executemany(
                    "INSERT OR IGNORE INTO folded VALUES (?, ?, ?, ?, ?, ?)",
                    [(thread, *row) for row in rows],
                )

        await self._hop(work)

    async def folded(self, thread: str) -> builtins.list[FoldedRow]:
        """The folded messages of a thread, by number."""
        query = (
            "SELECT number, id, role, name, text FROM folded WHERE thread_id = ? ORDER BY number"
        )
        return await self._hop(lambda: list(self.conn.execute(query, (thread,))))

    async def fork(self, old: str, new: str) -> bool:
        """Copy a thread as it is at this moment; whether there was one."""

        def copy() -> bool:
            with self.lock, self.conn as transaction:
                counts = [
                    transaction.execute(statement, {"old": old, "new": new}).rowcount
                    for statement in FORK
                ]
            return counts[-1] > 0

        return await self._hop(copy)

    async def threads(self) -> builtins.list[str]:
        """The ids of all threads, sorted."""
        query = "SELECT thread_id FROM checkpoints UNION SELECT thread_id FROM writes ORDER BY 1"
        return await self._hop(lambda: [str(row[0]) for row in self.conn.execute(query)])

    async def aclose(self) -> None:
        """Close the file."""
        await self._hop(self.conn.close)
        self._thread.shutdown(wait=False)

    def _ask(self, config: RunnableConfig) -> CheckpointTuple | None:
        self._raise(config)
        with reading(_thread_of(config)):
            return whole(self.get_tuple(config), _thread_of(config))

    def _raise(self, config: RunnableConfig) -> None:
        error = self._failed.pop(_thread_of(config), None)
        if error is not None:
            raise error

    async def _hop(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.OperationalError as error:
            if (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF != sqlite3.SQLITE_FULL:
                raise
            msg = f"No space is left for the checkpoints at {self._path}."
            raise DiskFull(msg, remedy="Free some space; the work goes on from there.") from error


def _thread_of(config: RunnableConfig) -> str:
    return str(config.get("configurable", {}).get("thread_id"))
