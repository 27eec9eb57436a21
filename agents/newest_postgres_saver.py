"""The checkpointer on PostgreSQL: beside the board's tables, in a schema of its own."""

from __future__ import annotations

import asyncio
import builtins
import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, LiteralString, TypeVar, cast

import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg import AsyncConnection, sql
from psycopg.rows import DictRow, dict_row

from neveridle.agents.newest_saver import FoldedRow
from neveridle.agents.unreadable import reading, whole
from neveridle.board.postgres.errors import PASSING, explain
from neveridle.board.postgres.session import LIMITS, options

T = TypeVar("T")

SCHEMA = "neveridle_checkpoints"
SETUP = 0x6E657665720002
"""The advisory lock under which one process at a time makes the tables."""

TRIES = 12
"""Tries of a call; what is begun again may have been done before, and is the same twice."""
LONGEST_PAUSE = 2.0

# A lost step is only done again; what must survive a power cut is on the board.
SETTINGS = f"{LIMITS} SET synchronous_commit = off; SET jit = off;"

# As on SQLite, a trigger prunes in the very transaction that adds. Values of channels are
# kept apart here, by version, and go with the last checkpoint that names them.
PRUNE: builtins.list[LiteralString] = [
    """
    CREATE OR REPLACE FUNCTION keep_newest() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      DELETE FROM checkpoints WHERE thread_id = NEW.thread_id
        AND checkpoint_ns = NEW.checkpoint_ns AND checkpoint_id < NEW.checkpoint_id;
      DELETE FROM checkpoint_writes WHERE thread_id = NEW.thread_id
        AND checkpoint_ns = NEW.checkpoint_ns AND checkpoint_id < NEW.checkpoint_id;
      DELETE FROM checkpoint_blobs b WHERE thread_id = NEW.thread_id
        AND checkpoint_ns = NEW.checkpoint_ns AND NOT EXISTS (
          SELECT FROM checkpoints c WHERE c.thread_id = b.thread_id
            AND c.checkpoint_ns = b.checkpoint_ns
            AND c.checkpoint -> 'channel_versions' ->> b.channel = b.version);
      RETURN NULL;
    END $$
    """,
    "DROP TRIGGER IF EXISTS keep_newest ON checkpoints",
    "CREATE TRIGGER keep_newest AFTER INSERT ON checkpoints"
    " FOR EACH ROW EXECUTE FUNCTION keep_newest()",
]

# See FOLDED of the checkpointer on SQLite.
FOLDED = """
CREATE TABLE folded (
  thread_id text NOT NULL, number integer NOT NULL, id text NOT NULL, role text NOT NULL,
  name text NOT NULL, text bytea NOT NULL, PRIMARY KEY (thread_id, number))
"""
FOLD = """
INSERT INTO folded (thread_id, number, id, role, name, text)
SELECT %(thread)s, * FROM unnest(%(numbers)s::integer[], %(ids)s::text[], %(roles)s::text[],
  %(names)s::text[], %(texts)s::bytea[])
ON CONFLICT DO NOTHING RETURNING number
"""
ALL_FOLDED = """
SELECT number, id, role, name, text FROM folded WHERE thread_id = %(thread)s ORDER BY number
"""

# One statement, so one moment: whoever goes on writing to the old thread does not come between.
FORK = """
WITH folds AS (
  INSERT INTO folded (thread_id, number, id, role, name, text)
  SELECT %(new)s, number, id, role, name, text
  FROM folded WHERE thread_id = %(old)s ON CONFLICT DO NOTHING
), blobs AS (
  INSERT INTO checkpoint_blobs
  SELECT %(new)s, checkpoint_ns, channel, version, type, blob
  FROM checkpoint_blobs WHERE thread_id = %(old)s ON CONFLICT DO NOTHING
), writes AS (
  INSERT INTO checkpoint_writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path,
    idx, channel, type, blob)
  SELECT %(new)s, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob
  FROM checkpoint_writes WHERE thread_id = %(old)s ON CONFLICT DO NOTHING
), heads AS (
  INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, type, checkpoint, metadata)
  SELECT %(new)s, checkpoint_ns, checkpoint_id, type, checkpoint, metadata
  FROM checkpoints WHERE thread_id = %(old)s ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT FROM checkpoints WHERE thread_id = %(old)s) AS found
"""

THREADS = "SELECT thread_id FROM checkpoints UNION SELECT thread_id FROM checkpoint_writes"


class NewestPostgresSaver(AsyncPostgresSaver):
    """LangGraph's PostgreSQL checkpointer, pruned as it is written.

    Each call is one round trip on one connection, made again where it was lost. A call goes
    on to its end when whoever waits for it is cancelled, so none is cut in half.

    Args:
        url: the board's database.
    """

    def __init__(self, url: str) -> None:
        super().__init__(cast("Any", None))  # the connection is made with the first call
        self._url = url
        self._connection: AsyncConnection[DictRow] | None = None
        self._begun: set[asyncio.Task[Any]] = set()

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The newest checkpoint of a thread, if it has one."""
        thread = str(config.get("configurable", {}).get("thread_id"))

        async def read() -> CheckpointTuple | None:
            with reading(thread):
                return whole(await AsyncPostgresSaver.aget_tuple(self, config), thread)

        return await self._run(read)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """The checkpoints there are: one of each thread and namespace."""

        async def found() -> builtins.list[CheckpointTuple]:
            base = AsyncPostgresSaver.alist(self, config, filter=filter, before=before, limit=limit)
            return [one async for one in base]

        for one in await self._run(found):
            yield one

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint; the older ones of its thread and namespace go."""
        return await self._run(
            lambda: AsyncPostgresSaver.aput(self, config, checkpoint, metadata, new_versions)
        )

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Save what a step of the graph wrote, before the step's checkpoint."""
        await self._run(
            lambda: AsyncPostgresSaver.aput_writes(self, config, writes, task_id, task_path)
        )

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget a thread."""
        await self._run(lambda: AsyncPostgresSaver.adelete_thread(self, thread_id))
        query: LiteralString = "DELETE FROM folded WHERE thread_id = %(thread)s RETURNING number"
        await self._run(lambda: self._rows(query, {"thread": thread_id}))

    async def fold(self, thread: str, rows: Sequence[FoldedRow]) -> None:
        """Keep folded messages of a thread; a number that is there already stays as it is."""
        columns = list(zip(*rows, strict=True)) or [()] * 5
        names = ("numbers", "ids", "roles", "names", "texts")
        values = dict(zip(names, map(list, columns), strict=True))
        await self._run(lambda: self._rows(FOLD, {"thread": thread, **values}))

    async def folded(self, thread: str) -> builtins.list[FoldedRow]:
        """The folded messages of a thread, by number."""
        rows = await self._run(lambda: self._rows(ALL_FOLDED, {"thread": thread}))
        return [
            (int(r["number"]), str(r["id"]), str(r["role"]), str(r["name"]), bytes(r["text"]))
            for r in rows
        ]

    async def fork(self, old: str, new: str) -> bool:
        """Copy a thread as it is at this moment; whether there was one."""
        rows = await self._run(lambda: self._rows(FORK, {"old": old, "new": new}))
        return bool(rows[0]["found"])

    async def threads(self) -> builtins.list[str]:
        """The ids of all threads, sorted."""
        rows = await self._run(lambda: self._rows(THREADS, {}))
        return sorted(str(row["thread_id"]) for row in rows)

    async def aclose(self) -> None:
        """Disconnect, once what was begun is done."""
        while self._begun:
            await asyncio.wait(self._begun)
        if self._connection is not None:
            await self._connection.close()

    async def _rows(self, query: LiteralString, values: dict[str, Any]) -> builtins.list[DictRow]:
        async with self.lock:
            if self._connection is None:
                raise psycopg.OperationalError
            return await (await self._connection.execute(query, values)).fetchall()

    async def _run(self, work: Callable[[], Awaitable[T]]) -> T:
        """``work``'s result, whoever is cancelled meanwhile."""
        job = asyncio.get_running_loop().create_task(
            self._tried(work), name="neveridle-checkpoints"
        )
        self._begun.add(job)
        job.add_done_callback(self._ended)
        return await asyncio.shield(job)

    def _ended(self, job: asyncio.Task[Any]) -> None:
        self._begun.discard(job)
        if not job.cancelled():
            job.exception()  # whoever waits gets it; where nobody does, nobody is missed

    async def _tried(self, work: Callable[[], Awaitable[T]]) -> T:
        for tries in range(1, TRIES + 1):
            try:
                async with self.lock:
                    await self._connected()
                return await work()
            except psycopg.Error as error:
                lost = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
                again = isinstance(error, PASSING) or (lost and self._connection is not None)
                if tries == TRIES or not again:
                    raise explain(error, self._url) from error
            await asyncio.sleep(random.uniform(0.5, 1) * min(0.01 * 2**tries, LONGEST_PAUSE))
        raise AssertionError

    async def _connected(self) -> None:
        if self._connection is not None and not self._connection.closed:
            return
        how: dict[str, Any] = {"prepare_threshold": 0, "row_factory": dict_row}
        made = cast(
            "AsyncConnection[DictRow]",
            await AsyncConnection.connect(self._url, autocommit=True, **how, **options(self._url)),
        )
        try:
            await made.execute(SETTINGS.encode(), prepare=False)
            await self._set_up(made)
        except BaseException:  # closed again, then raised on
            await made.close()
            raise
        self._connection = self.conn = made

    async def _set_up(self, connection: AsyncConnection[DictRow]) -> None:
        """Make schema and tables, once for all processes, and look there from now on."""
        found = await connection.execute("SELECT current_schema() AS name")
        row = await found.fetchone()
        schema = schema_beside(str((row or {})["name"]))
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (SETUP,))
            there = await connection.execute(
                "SELECT FROM pg_namespace WHERE nspname = %s", (schema,)
            )
            if await there.fetchone() is None:
                # Asked first: "IF NOT EXISTS" demands the right to make what is there already.
                await connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
            await connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
            await self._make_tables(connection)

    async def _make_tables(self, connection: AsyncConnection[DictRow]) -> None:
        await connection.execute(self.MIGRATIONS[0].encode())
        rows = await connection.execute("SELECT max(v) AS newest FROM checkpoint_migrations")
        newest = ((await rows.fetchone()) or {})["newest"]
        done = -1 if newest is None else int(newest)
        for number, statement in enumerate(self.MIGRATIONS):
            if number > done:
                # Not CONCURRENTLY: the tables are empty, all of it is one transaction, and an
                # index that is killed half made would stay, invalid.
                await connection.execute(statement.replace(" CONCURRENTLY", "").encode())
                await connection.execute(
                    "INSERT INTO checkpoint_migrations (v) VALUES (%s)", (number,)
                )
        if done < len(self.MIGRATIONS) - 1:
            for statement in PRUNE:
                await connection.execute(statement)
        there = await connection.execute("SELECT to_regclass('folded') AS found")
        if ((await there.fetchone()) or {})["found"] is None:
            await connection.execute(FOLDED)


def schema_beside(board: str) -> str:
    """The schema for the checkpoints of the board in schema ``board``."""
    if board == "public":
        return SCHEMA
    name = f"{SCHEMA}_{board}"
    if len(name.encode()) > 63:  # PostgreSQL cuts longer names, and two might become one
        return f"{SCHEMA}_{hashlib.sha256(board.encode()).hexdigest()[:32]}"
    return name
