"""The live rows of memory in this process's columns, following the board's changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from neveridle.board.memory_row import Change, MemoryRow, Signals
from neveridle.memory.embedding import Embedder, model_of
from neveridle.memory.index.filling import fill
from neveridle.memory.lane import Lane
from neveridle.memory.scope import WORKING, Scope
from neveridle.memory.signals import signals_of_rows
from neveridle.memory.store import MemoryStore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from neveridle.memory.recall.corpus import Corpus
    from neveridle.memory.recall.document import Document

T = TypeVar("T")
_BATCH: Final = 2_000  # changes read at once
_READ: Final = 30.0  # seconds that a search waits for token vectors from the board
DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a search is done on: the columns, and which of them may be found.

    Attributes:
        corpus: the columns.
        mask: the slots in the scope.
    """

    corpus: Corpus
    mask: NDArray[np.bool_]


class Library:
    """Follows the board's changes, and lets scopes of its rows be searched.

    Args:
        store: the rows.
        embedder: whose vectors are compared.
        short_days: days after which a memory is long-term.
        short_tasks: tasks of an agent whose memories are short-term.
        souls: the text of each agent's soul, by its name.
    """

    def __init__(
        self,
        store: MemoryStore,
        embedder: Embedder,
        *,
        short_days: float,
        short_tasks: int,
        souls: Mapping[str, str],
    ) -> None:
        from neveridle.memory.souls import soul_rows

        self._store = store
        self._embedder = embedder
        self._short = short_days * DAY, short_tasks
        self._lane = Lane("neveridle-recall")
        self._gate = asyncio.Lock()
        self._revision = 0
        self._model = ""
        self._corpus: Corpus | None = None
        self._tasks: dict[int, tuple[str, int]] = {}  # row → its agent and task
        self._souls = {row.id: row for row in soul_rows(souls)}
        self._soul_tokens: dict[int, bytes] | None = None  # None: not read yet

    async def get(self, ids: Sequence[int]) -> list[MemoryRow]:
        """The rows with these ids, in their order; paragraphs of souls have ids below 0."""
        stored = {row.id: row for row in await self._store.get([one for one in ids if one > 0])}
        found = (self._souls.get(one) or stored.get(one) for one in ids)
        return [row for row in found if row is not None]

    async def search(
        self, scope: Scope, now: float, work: Callable[[Shelf], T], *, souls: bool = False
    ) -> T:
        """What ``work`` finds, in a thread, on all that is committed by now.

        Args:
            scope: which rows it may find.
            now: the board's time.
            work: the search; it must keep nothing of what it is given.
            souls: whether the paragraphs of souls are wanted among them.
        """
        async with self._gate:
            await self._follow()
            if souls and self._soul_tokens is None:
                await self._read_souls()
            return await self._lane.run(lambda: work(self._shelf(scope, now)))

    async def layer_of(self, row: MemoryRow, now: float) -> str:
        """The layer a row is in at a time."""
        if row.id < 0:
            return "soul"
        if row.kind == WORKING:
            return "working"
        async with self._gate:
            await self._follow()
            recent = row.at >= now - self._short[0] and (
                row.task is None or row.task in self._last_tasks().get(row.agent, frozenset())
            )
        return "short" if recent else "long"

    def close(self) -> None:
        """Let go of the thread."""
        self._lane.close()

    async def _follow(self) -> None:
        from neveridle.memory.recall.corpus import Corpus

        loop = asyncio.get_running_loop()
        if self._corpus is None or await self._store.revision() < self._revision:
            # The first time; or the board was replaced by an older one.
            self._corpus, self._revision, self._tasks = Corpus(partial(self._load, loop)), 0, {}
            self._soul_tokens = None
        while changes := await self._store.changes(self._revision, _BATCH):
            self._model = self._model or await model_of(self._embedder)
            if bare := [one.row.id for one in changes if _is_bare(one)]:
                await fill(self._store, partial(signals_of_rows, self._embedder), bare)
                # They come again, as later changes.
            await self._lane.run(partial(self._take, self._corpus, changes))
            self._revision = changes[-1].row.revision

    def _take(self, corpus: Corpus, changes: Sequence[Change]) -> None:
        gone = [one.row.id for one in changes if one.row.state != "live" or _is_bare(one)]
        stay = [one for one in changes if one.row.state == "live" and not _is_bare(one)]
        for row in gone:
            self._tasks.pop(row, None)
        for one in stay:
            if one.row.task is not None:
                self._tasks[one.row.id] = one.row.agent, one.row.task
        corpus.drop(gone)
        corpus.put([_document(one.row, one.signals, self._model) for one in stay])

    async def _read_souls(self) -> None:
        assert self._corpus is not None  # _follow comes first
        rows = list(self._souls.values())
        self._model = self._model or await model_of(self._embedder)
        signals = await signals_of_rows(self._embedder, rows)
        documents = [
            replace(_document(row, one, self._model), layer="soul")
            for row, one in zip(rows, signals, strict=True)
        ]
        await self._lane.run(partial(self._corpus.put, documents))
        self._soul_tokens = {
            row.id: one.tokens for row, one in zip(rows, signals, strict=True) if one.tokens
        }

    def _load(self, loop: asyncio.AbstractEventLoop, ids: Sequence[int]) -> Sequence[bytes | None]:
        """Token vectors, asked for from the lane's thread."""
        stored = asyncio.run_coroutine_threadsafe(
            self._store.tokens([one for one in ids if one > 0]), loop
        ).result(timeout=_READ)
        known = stored | (self._soul_tokens or {})
        return [known.get(one) for one in ids]

    def _shelf(self, scope: Scope, now: float) -> Shelf:
        assert self._corpus is not None  # _follow comes first
        kept = {"long" if layer == "short" else layer for layer in scope.layers}
        mask = self._corpus.scope(
            agent=scope.agent,
            layers=kept,
            kinds=scope.kinds or None,
            tags=scope.tags or None,
            since=scope.since,
        )
        if len(scope.layers & {"short", "long"}) == 1:
            aged = self._corpus.columns["layer"] == self._corpus.names["layer"].of.get("long", -2)
            recent = self._recent(self._corpus, now)
            mask &= ~aged | (recent if "short" in scope.layers else ~recent)
        return Shelf(self._corpus, mask)

    def _recent(self, corpus: Corpus, now: float) -> NDArray[np.bool_]:
        recent: NDArray[np.bool_] = corpus.columns["at"] >= now - self._short[0]
        last = self._last_tasks()
        for row, (agent, task) in self._tasks.items():
            if task not in last[agent]:
                recent[corpus.slot_of[row]] = False
        return recent

    def _last_tasks(self) -> dict[str, frozenset[int]]:
        newest: dict[str, dict[int, int]] = {}
        for row, (agent, task) in self._tasks.items():
            of_agent = newest.setdefault(agent, {})
            of_agent[task] = max(row, of_agent.get(task, 0))
        return {
            agent: frozenset(sorted(tasks, key=lambda task: -tasks[task])[: self._short[1]])
            for agent, tasks in newest.items()
        }


def _is_bare(change: Change) -> bool:
    """Whether nothing that can be read is computed for a live row."""
    return change.row.state == "live" and not (change.signals.model and change.signals.terms)


def _document(row: MemoryRow, signals: Signals, model: str) -> Document:
    import numpy as np

    from neveridle.memory.recall.document import Document

    known = signals.dense is not None and signals.model == model
    return Document(
        id=row.id,
        terms=signals.terms or b"",
        # Another model's vectors cannot be compared: such rows are found by their words.
        vector=np.frombuffer(signals.dense or b"", "<f2").astype("f4") if known else None,
        agent=row.agent,
        visibility=row.visibility,
        kind=row.kind,
        layer="working" if row.kind == WORKING else "long",
        tags=row.tags,
        at=row.at,
        importance=row.importance,
        trusted=row.trusted or row.origin == "person",
        episode=row.episode,
        position=row.position or 0,
        author=row.author,
    )
