"""One thread for the calls of one library."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from neveridle.board.simulation import one_thread, simulated_loop

T = TypeVar("T")
_Job = tuple["Future[Any]", Callable[[], Any]] | None


class Lane:
    """Runs blocking calls one after the other in a thread of its own.

    Not the event loop's executor, and a daemon: a loop that ends, or Ctrl-C,
    must not wait until a model has been loaded. The thread starts with the first
    call and ends with ``close`` or when the lane is forgotten.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._forgotten = weakref.finalize(self, self._jobs.put, None)
        self._forgotten.atexit = False  # a daemon thread simply ends with its process

    async def run(self, call: Callable[[], T]) -> T:
        """What ``call`` returns or raises; a cancelled wait drops a call not yet begun."""
        return await asyncio.wrap_future(self.submit(call))

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """The same without waiting, from any thread."""
        if self._closed:
            msg = f"{self._name} is closed"
            raise RuntimeError(msg)
        if simulated_loop() is not None:
            return one_thread(self._name).submit(call)
        if self._thread is None:
            self._thread = threading.Thread(
                target=_work, args=(self._jobs,), name=self._name, daemon=True
            )
            self._thread.start()
        future: Future[T] = Future()
        self._jobs.put((future, call))
        return future

    def close(self) -> None:
        """Take no more calls. Those already waiting are still made; nothing is waited for."""
        if not self._closed:
            self._closed = True
            self._forgotten()


def _work(jobs: SimpleQueue[_Job]) -> None:
    while (job := jobs.get()) is not None:
        future, call = job
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
                future.set_exception(error)
        del job, future, call  # hold nothing while waiting for the next one
