"""The live rows of memory in this process, as far as they decide what is found."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from neveridle.board.memory_row import MemoryRow
from neveridle.board.simulation import from_thread
from neveridle.memory.embedding import Embedder, model_of
from neveridle.memory.index.filling import Sign, fill, is_bare
from neveridle.memory.lane import Lane
from neveridle.memory.scope import WORKING, Scope
from neveridle.memory.store import MemoryStore

if TYPE_CHECKING:
    from neveridle.memory.index.feeder import Feeder
    from neveridle.memory.index.shelf import Shelf
    from neveridle.memory.recall.document import Query

Mode = Literal["hybrid", "dense", "lexical"]
MODES: Final[tuple[Mode, ...]] = ("hybrid", "dense", "lexical")

_PAGE: Final = 5_000  # changes taken at a time
_FILLED: Final = 256  # rows without signals that one recall makes them for
_TOKENS: Final = 30.0  # seconds the thread of recall waits for token vectors at most
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """A memory that answers, and why; see ``neveridle.memory.hit.Hit``."""

    id: int
    score: float
    reasons: Mapping[str, float]


class Library:
    """Follows the board's changes and searches the rows of a scope, in a thread of its own.

    What is committed when a recall begins is found by it, whoever wrote it and wherever the
    dense index stands. It belongs to one event loop.

    Args:
        store: the rows.
        embedder: whose vectors are compared.
        sign: makes the signals of rows that have none.
        short_days, short_tasks: see ``Layers``.
        feeder: the dense index, asked where there are very many rows.
    """

    def __init__(
        self,
        store: MemoryStore,
        *,
        embedder: Embedder,
        sign: Sign,
        short_days: float,
        short_tasks: int,
        feeder: Feeder | None = None,
    ) -> None:
        self._store, self._embedder, self._sign, self._feeder = store, embedder, sign, feeder
        self._short = (short_days, short_tasks)
        self._lane = Lane("neveridle-recall")
        self._gate = asyncio.Lock()
        self._shelf: Shelf | None = None
        self._revision = 0
        self._bare: set[int] = set()  # rows that nothing is computed for yet
        self._noticed = False

    async def refresh(self) -> None:
        """Learn of all changes that are committed by now. One query where there are none."""
        async with self._gate:
            newest = await self._store.revision()
            if newest == self._revision:
                return
            shelf, revision = self._shelf, self._revision
            told = newest >= revision and await self._store.follows(revision)
            if shelf is None or shelf.sparse or not told:
                # The first time; or more is gone than there; or the board is an older one, or
                # has let go of rows we never learnt were forgotten. Taken in anew, and put in
                # the old one's place when it is complete.
                shelf, revision = await self._made(), 0
            while True:
                changes = await self._store.changes(revision, _PAGE)
                if changes:
                    await self._lane.run(partial(shelf.follow, changes))
                    self._bare.difference_update(c.row.id for c in changes if not is_bare(c))
                    self._bare.update(c.row.id for c in changes if is_bare(c))
                    revision = changes[-1].row.revision
                    if shelf is self._shelf:
                        self._revision = revision
                if len(changes) == _PAGE:
                    continue
                if not self._bare:
                    break
                # Lessons are stored as they are learnt, without a model: made good for here.
                some = sorted(self._bare, reverse=True)[:_FILLED]
                self._bare.clear()  # the feeder makes the rest
                await fill(self._store, self._sign, some)
            self._shelf, self._revision = shelf, revision
            self._notice(shelf)

    async def search(
        self, query: Query, scope: Scope, *, k: int, mode: Mode = "hybrid", exact: bool = False
    ) -> Sequence[Found]:
        """The ``k`` best rows of a scope, best first, of those that ``refresh`` has seen.

        Args:
            query: the question, with its vector, and when it is asked.
            scope: which rows.
            k: how many at most.
            mode: see ``Memory.recall``.
            exact: compare all vectors of the scope.
        """
        if self._shelf is None:
            return []
        shelf = self._shelf
        if mode == "lexical":
            query = replace(query, vector=None, tokens=None)
        outside = None
        if query.vector is not None and self._feeder is not None and not exact:
            count = await self._lane.run(partial(shelf.asks_index, scope, query.at or 0.0))
            if count:
                outside = await self._feeder.nearest(query.vector, count)
        scored = await self._lane.run(
            partial(shelf.search, query, scope, k=k, mode=mode, exact=exact, outside=outside)
        )
        return [Found(one.id, one.score, one.why) for one in scored]

    def layer_of(self, row: MemoryRow, now: float) -> str:
        """The layer a row is in at a time, as far as ``refresh`` has seen."""
        if self._shelf is None:
            return "working" if row.kind == WORKING else "long"
        return self._shelf.layer_of(row, now)

    @property
    def facts(self) -> Mapping[str, int]:
        """What it holds: ``rows``, those without vectors (``unlike``), and ``bytes`` in all."""
        return {} if self._shelf is None else self._shelf.facts

    def close(self) -> None:
        """End the thread; a search under way is not waited for."""
        self._lane.close()

    async def _made(self) -> Shelf:
        from neveridle.memory.index.shelf import Shelf

        loop = asyncio.get_running_loop()

        def tokens(ids: Sequence[int]) -> Mapping[int, bytes]:
            reading: Any = self._store.tokens(ids)
            found: dict[int, bytes] = from_thread(reading, loop, _TOKENS)
            return found

        days, tasks = self._short
        model = await model_of(self._embedder)
        return Shelf(model, tokens, short_days=days, short_tasks=tasks)

    def _notice(self, shelf: Shelf) -> None:
        unlike = shelf.facts["unlike"]
        if unlike and not self._noticed:
            self._noticed = True
            _log.warning(
                "%d memories have no vectors of this model and are found by words only; "
                "run `neveridle memory reindex`.",
                unlike,
            )
