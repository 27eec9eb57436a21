"""Memory: what agents remember, and how they recall it."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from neveridle.board.memory_row import MemoryRow, NewMemory
from neveridle.errors import MemoryUnusable, ModelMistake
from neveridle.memory.embedding import Embedder
from neveridle.memory.index.exact import ExactSearch
from neveridle.memory.index.embedded import ChromaIndex, IndexBroken, Marker
from neveridle.memory.lane import Lane
from neveridle.memory.index.owner import OwnerLock
from neveridle.memory.store import MemoryStore
from neveridle.memory.tidy import MAX_TEXT, tidy, tidy_tags

T = TypeVar("T")

BATCH = 64  # rows embedded and put into the index at a time
EXACT_ROWS = 1_000  # newest rows compared where another process owns the index
_PENDING_BATCHES = 200  # batches one call puts in; what is left waits for the next call
_STALE_ROUNDS = 5  # queries repeated because the index knew rows that the board does not
_SAMPLE = 64  # newest rows looked for in an index that has just been opened
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hit:
    """A recalled memory.

    Attributes:
        score: the cosine of query and memory, -1 to 1; 1 is the same meaning.
        why: in words, how it was found.
    """

    row: MemoryRow
    score: float
    why: str


class Memory:
    """Rows on the board, found again by meaning.

    Nothing is imported or opened before it is needed: an empty memory loads
    neither Chroma nor a model. It belongs to one event loop.

    Args:
        store: the board, where the rows stand.
        home: the team's folder; the index lies in ``<home>/memory``.
        embedder: makes the vectors.
    """

    def __init__(self, store: MemoryStore, *, home: Path, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder
        self._owner = OwnerLock(home / "memory.lock")
        self._index = ChromaIndex(home / "memory", embedder=embedder.name)
        self._lane = Lane("neveridle-memory")
        self._exact = ExactSearch(embedder)
        self._gate = asyncio.Lock()
        self._marker: Marker | None = None  # None while the index is not open
        self._count = 0  # rows put into the index so far
        self._closed = False

    async def remember(
        self,
        text: str,
        *,
        agent: str,
        kind: str = "learning",
        tags: Sequence[str] = (),
        source: str = "",
        importance: float = 0.5,
        at: float | None = None,
        trusted: bool = False,
    ) -> int:
        """Store a memory on the board, secrets taken out; returns its row's id.

        It is put into the index later, by ``recall`` or ``index_pending``.

        Args:
            text: what to remember; beyond 16,000 characters it is cut, and says so.
            agent: whose memory it is.
            source: where it comes from, such as ``task:12``.
            importance: 0 to 1.
            at: seconds since the epoch; None is now, by the board's clock.
            trusted: False for what tools or models said and nobody has proven.

        Raises:
            ModelMistake: there is nothing in the text.
        """
        if not (0 <= importance <= 1):  # false for NaN too
            msg = f"importance must be between 0 and 1, not {importance}"
            raise ValueError(msg)
        if at is not None and not math.isfinite(at):
            msg = f"at must be a time, not {at}"
            raise ValueError(msg)
        clean = tidy(text)
        if not clean:
            msg = "There is nothing to remember: the text is empty."
            raise ModelMistake(msg, remedy="Say in words what should be remembered.")
        new = NewMemory(
            agent=agent,
            kind=kind,
            text=clean,
            tags=tidy_tags(tags),
            source=tidy(source),
            importance=importance,
            at=at,
            trusted=trusted,
        )
        return (await self._store.add([new]))[0]

    async def recall(self, query: str, *, k: int = 5, agent: str | None = None) -> list[Hit]:
        """The ``k`` memories closest in meaning to a query, closest first.

        What has been remembered is always found: rows not in the index yet are
        put in first. Where another process owns the index, the newest 1,000
        rows are compared one by one instead.

        Args:
            query: words or sentences.
            k: how many at most; 0 or less gives none.
            agent: only this agent's memories; None is everybody's.

        Raises:
            MemoryUnusable: the index cannot be opened, nor built anew.
            DiskFull: no space is left to put rows into the index.
        """
        words = query.strip()[:MAX_TEXT]
        if k <= 0 or not words or not await self._store.newest(1, agent=agent):
            return []
        vector = (await self._embedder.embed([words]))[0]
        async with self._gate:
            if await self._own():
                found = await self._mended(partial(self._search, vector, k, agent))
                how = "closest in meaning"
            else:
                rows = await self._store.newest(EXACT_ROWS, agent=agent)
                found = await self._exact.search(vector, rows, k)
                how = "closest in meaning, compared row by row"
        return [Hit(row, score, f"{how} (cosine {score:.2f})") for row, score in found]

    async def index_pending(self) -> int:
        """Put rows that are not in the index yet into it; returns how many.

        0 where another process owns the index: that one does it. One call puts
        in 12,800 rows at most.

        Raises:
            MemoryUnusable: the index cannot be opened, nor built anew.
            DiskFull: no space is left.
        """
        async with self._gate:
            before = self._count
            if await self._store.revision() and await self._own():
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
        vectors = await self._embedder.embed([row.text for row in rows])
        ids = [row.id for row in rows]
        agents = [row.agent for row in rows]
        await self._lane.run(partial(self._index.upsert, ids, vectors, agents))
        self._count += len(rows)

    async def _search(
        self, vector: Sequence[float], k: int, agent: str | None
    ) -> list[tuple[MemoryRow, float]]:
        await self._feed()
        for _ in range(_STALE_ROUNDS):
            found = await self._lane.run(partial(self._index.query, vector, k, agent))
            rows = {row.id: row for row in await self._store.get([row for row, _ in found])}
            stale = [row for row, _ in found if row not in rows]
            if not stale:
                return [(rows[row], score) for row, score in found]
            # The board was replaced by an older or an empty one.
            await self._lane.run(partial(self._index.delete, stale))
        msg = "it holds many rows that the board does not"
        raise IndexBroken(msg)
