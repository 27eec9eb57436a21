"""Keeping a dense index in step with the rows on the board."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from neveridle.board.memory_row import Change
from neveridle.errors import MemoryUnusable
from neveridle.memory.index.dense import Batch, DenseIndex, IndexAway, IndexBroken, Marker
from neveridle.memory.index.filling import AT_ONCE, Sign, fill, is_bare
from neveridle.memory.index.leadership import Leadership
from neveridle.memory.lane import Lane
from neveridle.memory.store import MemoryStore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""Told how far a rebuilding is: what is made ("vectors", "index"), how many, of how many."""

BATCH: Final = 500  # changes put into an index at once
_BATCHES: Final = 40  # batches of one call; what is left waits for the next
_SAMPLE: Final = 64  # rows compared with an index that has just been opened
_log = logging.getLogger(__name__)


class Feeder:
    """Feeds one index; belongs to one event loop.

    Args:
        store: the rows.
        make: makes the index, not open yet, and the name of its model.
        leadership: the right to feed it.
        shared: whether it may be asked without that right: a server's.
        sign: makes signals of rows that have none.
    """

    def __init__(
        self,
        store: MemoryStore,
        *,
        make: Callable[[], Awaitable[tuple[DenseIndex, str]]],
        leadership: Leadership,
        sign: Sign,
        shared: bool = False,
    ) -> None:
        self._store, self._make, self._sign = store, make, sign
        self._leadership, self._shared = leadership, shared
        self._lane = Lane("neveridle-index")
        self._gate = asyncio.Lock()
        self._index: DenseIndex | None = None
        self._model = ""
        self._marker: Marker | None = None  # None while the index is not open
        self._away = False
        self._count = 0  # rows put in so far
        self._closed = False

    @property
    def marker(self) -> Marker | None:
        """How far the index is, as far as this process knows; None: it has not opened it."""
        return self._marker

    async def feed(self) -> int:
        """Put changes in that are not in yet, 20,000 at most; how many rows were put in.

        0 where another process has the right to, where nothing was ever remembered, or where
        the server cannot be reached: that is said once, and tried again with the next call.

        Raises:
            MemoryUnusable: the index cannot be opened, nor built anew.
            DiskFull: no space is left.
        """
        async with self._gate:
            before, last = self._count, await self._store.revision()
            known = self._marker is not None and self._marker.revision == last and not self._away
            if last and not known and await self._take():
                await self._reached(partial(self._mended, self._feed))
            return self._count - before

    async def nearest(
        self, vector: NDArray[np.float32], n: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], int] | None:
        """The ``n`` closest rows by the index, their cosines, and the revision it is at.

        Later changes are not in: whoever asks compares those rows himself. None: this process
        may not ask the index, or it cannot be reached.
        """
        async with self._gate:
            if self._away or not (self._shared or await self._take()):
                return None

            async def ask() -> tuple[NDArray[np.int64], NDArray[np.float32], int]:
                marker = await self._open()
                index = await self._made()
                ids, cosines = await self._lane.run(partial(index.query, vector, n))
                return ids, cosines, marker.revision

            try:
                return await self._reached(ask)
            except IndexBroken:  # whoever feeds it builds it anew
                self._marker = None
                return None

    async def rebuild(self, progress: Progress | None = None) -> int:
        """Make what vectors are missing, and the index anew beside the old one; rows in it.

        The old one answers until the new one is complete and takes its place, in one step.
        Killed on the way, the next rebuilding goes on from there.

        Raises:
            MemoryUnusable: another process has the right to feed, or the index cannot be reached.
            DiskFull: no space is left.
        """
        tell = progress or _silent
        async with self._gate:
            if not await self._take():
                msg = "Another process feeds the memory index."
                remedy = "Stop the team first, or wait a minute where one was killed."
                raise MemoryUnusable(msg, remedy=remedy)
            try:
                index = await self._made()
                await self._make_missing(tell)
                return await self._build(index, tell)
            except (IndexAway, IndexBroken) as error:
                msg = f"The memory index cannot be built: {error}."
                remedy = "Look at the disk, the Chroma server and the installation of chromadb."
                raise MemoryUnusable(msg, remedy=remedy) from error

    async def close(self) -> None:
        """Let go of the index. A call under way in its thread is waited for two seconds at most.

        A second call does nothing.
        """
        if self._closed:
            return
        self._closed = True
        if self._index is not None:
            try:
                async with asyncio.timeout(2):
                    await self._lane.run(self._index.close)
            except TimeoutError:
                _log.warning("The memory index was busy and is left to the end of the process.")
                self._lane.close()
                return  # the right too: until that call ends, nobody else may open the index
        self._marker = None
        self._lane.close()
        await self._leadership.leave()

    async def _take(self) -> bool:
        if self._closed:
            msg = "this Memory is closed"
            raise RuntimeError(msg)
        return await self._leadership.take()

    async def _made(self) -> DenseIndex:
        if self._index is None:
            self._index, self._model = await self._make()
        return self._index

    async def _reached(self, work: Callable[[], Awaitable[T]]) -> T | None:
        try:
            found = await work()
        except IndexAway as away:
            self._marker = None
            if not self._away:
                self._away = True
                _log.warning("Memories are found from the board's rows meanwhile: %s.", away)
            return None
        if self._away:
            self._away = False
            _log.info("The memory index is reached again.")
        return found

    async def _mended(self, work: Callable[[], Awaitable[T]]) -> T:
        """What ``work`` gives, on an index built anew once if it turns out broken."""
        try:
            return await work()
        except IndexBroken as broken:
            _log.warning("The memory index is built anew from the board: %s.", broken)
        self._marker = None
        index = await self._made()
        await self._lane.run(index.discard)
        try:
            return await work()
        except IndexBroken as broken:
            self._marker = None
            msg = f"The memory index cannot be built: {broken}."
            raise MemoryUnusable(
                msg, remedy="Look at the disk and at the installation of chromadb."
            ) from broken

    async def _open(self) -> Marker:
        if self._marker is None:
            index = await self._made()
            marker = await self._lane.run(index.open)
            if marker.revision > await self._store.revision():
                msg = "it is ahead of the board"
                raise IndexBroken(msg)
            if not await self._store.follows(marker.revision):
                msg = "what was forgotten since it was last fed cannot be told"
                raise IndexBroken(msg)
            await self._compare(index, marker)
            self._marker = marker
        return self._marker

    async def _compare(self, index: DenseIndex, marker: Marker) -> None:
        """Whether the index holds what it says: the last rows before its marker, by vector."""
        import numpy as np

        last = await self._store.changes(max(0, marker.revision - _SAMPLE), _SAMPLE)
        sample = {
            c.row.id: np.frombuffer(c.signals.dense or b"", "<f2")
            for c in last
            if c.row.revision <= marker.revision and self._belongs(c)
        }
        if not sample:
            return
        held = await self._lane.run(partial(index.held, list(sample)))
        if any(
            row not in held or held[row].shape != v.shape or held[row] @ v < 0.99
            for row, v in sample.items()
        ):
            msg = "it lacks rows that its marker says it holds"
            raise IndexBroken(msg)

    async def _feed(self) -> None:
        await self._open()
        index = await self._made()
        for _ in range(_BATCHES):
            assert self._marker is not None  # it is open
            marker = await self._step(index, self._marker)
            if marker is None:
                return
            self._marker = marker
            if not await self._take():  # our lease was over, and somebody else has it
                self._marker = None
                return
        _log.info("Rows are still waiting to be put into the memory index.")

    async def _step(self, index: DenseIndex, marker: Marker) -> Marker | None:
        """Put the next changes in; None: there are none."""
        changes = await self._store.changes(marker.revision, BATCH)
        if not changes:
            return None
        # First: killed before, they come again, and what got vectors comes as a later change.
        await fill(self._store, self._sign, [c.row.id for c in changes if is_bare(c)])
        batch = self._batch(changes)
        marker = await self._lane.run(partial(index.apply, batch))
        self._count += len(batch.ids)
        return marker

    def _belongs(self, change: Change) -> bool:
        signals = change.signals
        return change.row.state == "live" and signals.model == self._model and bool(signals.dense)

    def _batch(self, changes: Sequence[Change]) -> Batch:
        import numpy as np

        stay = [c for c in changes if self._belongs(c)]
        blob = b"".join(c.signals.dense or b"" for c in stay)
        vectors = np.frombuffer(blob, "<f2").reshape(len(stay), -1) if stay else None
        return Batch(
            ids=[c.row.id for c in stay],
            vectors=None if vectors is None else vectors.astype(np.float32),
            gone=[c.row.id for c in changes if not self._belongs(c)],
            revision=changes[-1].row.revision,
        )

    async def _make_missing(self, tell: Progress) -> None:
        done = 0
        while rows := await self._store.without_vectors(self._model, AT_ONCE):
            made = await self._sign(rows)
            await self._store.put_signals({r.id: s for r, s in zip(rows, made, strict=True)})
            done += len(rows)
            tell("vectors", done, done)
            await self._take()

    async def _build(self, index: DenseIndex, tell: Progress) -> int:
        beside = index.rebuilt()
        try:
            marker = await self._lane.run(beside.open)
            if marker.revision > await self._store.revision():
                msg = "it is ahead of the board"
                raise IndexBroken(msg)
            if not await self._store.follows(marker.revision):
                msg = "what was forgotten since it was cut cannot be told"
                raise IndexBroken(msg)
        except IndexBroken:
            await self._lane.run(beside.discard)
            marker = await self._lane.run(beside.open)
        try:
            while (further := await self._step(beside, marker)) is not None:
                marker = further
                tell("index", marker.revision, await self._store.revision())
                await self._take()
            count = await self._lane.run(beside.count)
        finally:
            await self._lane.run(beside.close)
        self._marker = None
        self._marker = await self._lane.run(index.adopt)
        return count


def _silent(_what: str, _done: int, _of: int) -> None:
    """Nobody wants to know."""
