"""Feeding the dense index with the rows of the board."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from neveridle.board.memory_row import MemoryRow
from neveridle.errors import MemoryUnusable
from neveridle.memory.embedding import Embedder
from neveridle.memory.index import ChromaIndex, IndexBroken, Marker
from neveridle.memory.lane import Lane
from neveridle.memory.owner import OwnerLock
from neveridle.memory.signals import said
from neveridle.memory.store import MemoryStore

T = TypeVar("T")

BATCH = 64  # rows embedded and put into the index at a time
_PENDING_BATCHES = 200  # batches one call puts in; what is left waits for the next call
_SAMPLE = 64  # newest rows looked for in an index that has just been opened
_log = logging.getLogger(__name__)


class Indexing:
    """The index that one process owns, as far as the rows have been put into it."""

    def __init__(self, store: MemoryStore, *, home: Path, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder
        self._owner = OwnerLock(home / "memory.lock")
        self._index = ChromaIndex(home / "memory", embedder=embedder.name)
        self._lane = Lane("neveridle-memory")
        self._gate = asyncio.Lock()
        self._marker: Marker | None = None  # None while the index is not open
        self._count = 0  # rows put into the index so far
        self._closed = False

    async def feed(self) -> int:
        """Put rows that are not in the index yet into it; see ``Memory.index_pending``."""
        async with self._gate:
            before = self._count
            if await self._own():
                await self._mended(self._feed)
            return self._count - before

    async def close(self) -> None:
        """Let go of the index. A call under way in its thread is waited for two seconds at most."""
        self._closed = True
        if self._owner.held:
            try:
                async with asyncio.timeout(2):
                    await self._lane.run(self._index.close)
            except TimeoutError:
                _log.warning("The memory index was busy and is left to the end of the process.")
                self._lane.close()
                return  # the lock too: until that call ends, nobody else may open the index
        self._marker = None
        self._lane.close()
        self._owner.release()

    async def _own(self) -> bool:
        if self._closed:
            msg = "this Memory is closed"
            raise RuntimeError(msg)
        try:
            return self._owner.acquire()
        except OSError as error:
            msg = f"The lock of the memory index cannot be opened ({error})."
            raise MemoryUnusable(msg, remedy="Let neveridle write to the team's home.") from error

    async def _mended(self, work: Callable[[], Awaitable[T]]) -> T:
        """What ``work`` gives on the opened index, built anew once if it turns out broken."""
        try:
            await self._open()
            return await work()
        except IndexBroken as broken:
            _log.warning("The memory index is built anew from the board: %s.", broken)
        self._marker = None
        await self._lane.run(self._index.discard)
        try:
            await self._open()
            return await work()
        except IndexBroken as broken:
            msg = f"The memory index cannot be built: {broken}."
            raise MemoryUnusable(
                msg, remedy="Look at the disk and at the installation of chromadb."
            ) from broken

    async def _open(self) -> None:
        if self._marker is None:
            marker = await self._lane.run(self._index.open)
            if marker.revision > await self._store.revision():
                msg = "it is ahead of the board"
                raise IndexBroken(msg)
            self._marker = marker
            await self._feed()
            sample = [row.id for row in await self._store.newest(_SAMPLE)]
            missing = partial(self._index.missing, sample)
            if sample and len(await self._lane.run(missing)) > 0:
                self._marker = None
                msg = "it lacks rows that the board says it holds"
                raise IndexBroken(msg)

    async def _feed(self) -> None:
        assert self._marker is not None  # _open comes first
        for _ in range(_PENDING_BATCHES):
            changes = await self._store.changes(self._marker.revision, BATCH)
            if not changes:
                return
            live = [one.row.id for one in changes if one.row.state == "live"]
            if live:
                await self._put(await self._store.get(live))
            gone = [one.row.id for one in changes if one.row.state != "live"]
            if gone:
                await self._lane.run(partial(self._index.delete, gone))
            # Only now: killed before, they are put in once more, which changes nothing.
            marker = replace(self._marker, revision=changes[-1].row.revision)
            await self._lane.run(partial(self._index.write_marker, marker))
            self._marker = marker
        _log.warning("Rows are still waiting to be put into the memory index.")

    async def _put(self, rows: Sequence[MemoryRow]) -> None:
        vectors = await self._embedder.embed([said(row.author, row.text) for row in rows])
        ids = [row.id for row in rows]
        agents = [row.agent for row in rows]
        await self._lane.run(partial(self._index.upsert, ids, vectors, agents))
        self._count += len(rows)
