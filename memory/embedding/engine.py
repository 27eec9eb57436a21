"""One model for many callers: batched together, nothing computed twice."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from neveridle.memory.embedding.cache import EncodedCache
from neveridle.memory.embedding.embedder import Encoded
from neveridle.memory.embedding.model import Model
from neveridle.memory.lane import Lane

BATCH = 32  # texts
_CHARACTERS = 32_000  # of a batch of several texts: a query waits for two batches at most
CACHE = 64 << 20  # bytes


@dataclass(slots=True)
class Stats:
    """What the engine was asked, and what it had to do for it.

    Attributes:
        texts: how many were asked for, repeated ones counted each time.
        cached: of these, how many were known already.
        shared: of these, how many were being computed for another caller.
        computed: how many the model has read.
        batches: in how many calls.
    """

    texts: int = 0
    cached: int = 0
    shared: int = 0
    computed: int = 0
    batches: int = 0


@dataclass(slots=True, eq=False)
class _Job:
    key: bytes
    text: str
    tokens: bool
    waiting: list[Future[Encoded]] = field(default_factory=list[Future[Encoded]])


class Engine:
    """Texts in, ``Encoded`` out; for any number of tasks, event loops and threads.

    The model is loaded with the first text, in a thread. Whatever waits while it is busy goes
    into its next batch, first come, first served.

    Args:
        load: gives the model; raises what ``encode`` then raises. Tried again by the next call.
        cache: bytes of vectors kept.
    """

    def __init__(self, load: Callable[[], Model], *, cache: int = CACHE) -> None:
        self._load = load
        self._model: Model | None = None
        self._lane = Lane("neveridle-embedding")
        self._lock = threading.Lock()  # guards what follows
        self._queue: deque[_Job] = deque()
        self._jobs: dict[tuple[bytes, bool], _Job] = {}  # waiting, or in the model
        self._cache = EncodedCache(cache)
        self._stats = Stats()
        self._busy = False

    @property
    def dimensions(self) -> int:
        """The length of each vector; 0 while the model is not loaded."""
        return 0 if self._model is None else self._model.dimensions

    @property
    def stats(self) -> Stats:
        """The numbers up to now."""
        with self._lock:
            return replace(self._stats)

    async def fingerprint(self) -> str:
        """The model's; it is loaded for it."""
        return await self._lane.run(lambda: self._loaded().fingerprint())

    async def encode(self, texts: Sequence[str], *, tokens: bool) -> list[Encoded]:
        """One ``Encoded`` for each text, in the same order.

        Many texts are handed over batch by batch, so that another caller's query waits for two
        batches and not for all of them. What the model holds for them is bounded in the same way.

        Args:
            tokens: whether token vectors are wanted: 1.5 KB each.
        """
        found: dict[int, Encoded] = {}
        for batch in _batches(texts):
            futures: dict[int, Future[Encoded]] = {}
            try:
                for number in batch:
                    answer = self._ask(texts[number], tokens)
                    if isinstance(answer, Encoded):
                        found[number] = answer
                    else:
                        futures[number] = answer
                for number, future in futures.items():
                    found[number] = await asyncio.wrap_future(future)
            finally:
                for future in futures.values():  # cancelled, or another text has failed
                    future.cancel()
        return [found[number] for number in range(len(texts))]

    def _ask(self, text: str, tokens: bool) -> Encoded | Future[Encoded]:
        key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._lock:
            self._stats.texts += 1
            known = self._cache.get(key, tokens=tokens)
            if known is not None:
                self._stats.cached += 1
                return known
            job = self._jobs.get((key, True)) or self._jobs.get((key, tokens))
            if job is None:
                job = self._jobs[key, tokens] = _Job(key, text, tokens)
                self._queue.append(job)
            else:
                self._stats.shared += 1
            future: Future[Encoded] = Future()
            job.waiting.append(future)
            start, self._busy = not self._busy, True
        if start:
            self._lane.submit(self._work)
        return future

    def _work(self) -> None:
        """In the lane's thread, until nothing waits."""
        while batch := self._next():
            try:
                model = self._loaded()
            except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
                self._failed(batch, error)
                continue
            self._compute(model, batch)

    def _next(self) -> list[_Job]:
        with self._lock:
            batch: list[_Job] = []
            size = 0
            while self._queue and len(batch) < BATCH:
                job = self._queue[0]
                if all(future.cancelled() for future in job.waiting):
                    self._forget(self._queue.popleft())
                    continue
                size += len(job.text)
                if batch and size > _CHARACTERS:
                    break
                batch.append(self._queue.popleft())
            self._busy = bool(batch)
            return batch

    def _loaded(self) -> Model:
        if self._model is None:
            self._model = self._load()
        return self._model

    def _compute(self, model: Model, batch: list[_Job]) -> None:
        try:
            tokens = any(job.tokens for job in batch)
            found = model.encode([job.text for job in batch], tokens=tokens)
        except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
            if len(batch) == 1:
                self._failed(batch, error)
            else:  # one text that the model does not take must not fail the others
                for job in batch:
                    self._compute(model, [job])
            return
        with self._lock:
            self._stats.batches += 1
            self._stats.computed += len(batch)
            for job, value in zip(batch, found, strict=True):
                self._forget(job)
                self._cache.put(job.key, value if job.tokens else replace(value, tokens=None))
        for job, value in zip(batch, found, strict=True):
            given = value if job.tokens else replace(value, tokens=None)
            for future in job.waiting:
                if future.set_running_or_notify_cancel():
                    future.set_result(given)

    def _failed(self, batch: list[_Job], error: BaseException) -> None:
        with self._lock:
            for job in batch:
                self._forget(job)
        for job in batch:
            for future in job.waiting:
                if future.set_running_or_notify_cancel():
                    future.set_exception(error)

    def _forget(self, job: _Job) -> None:
        # After this, under the lock, nobody joins it any more.
        self._jobs.pop((job.key, job.tokens), None)


def _batches(texts: Sequence[str]) -> list[list[int]]:
    """Numbers of texts, those of about one length together, shortest first."""
    batches: list[list[int]] = []
    size = 0
    for number in sorted(range(len(texts)), key=lambda at: len(texts[at])):
        length = len(texts[number])
        if not batches or len(batches[-1]) == BATCH or size + length > _CHARACTERS:
            batches.append([])
            size = 0
        batches[-1].append(number)
        size += length
    return batches
