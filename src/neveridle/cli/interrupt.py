"""Ctrl-C ends a run within two seconds; SIGTERM lets it finish what it can, for a while."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from types import FrameType, TracebackType
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

GRACE = 1.3
"""Seconds the team has to stop in order; then its tasks are returned without it."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Runs one coroutine; SIGINT cancels it, SIGTERM asks it to end first.

    Python's own way waits for every worker thread, and is not heard while the event loop
    is busy, as during the import of a large library. So a thread watches: when the
    coroutine has not ended ``GRACE`` seconds after it was cancelled, ``rescue`` is called, and
    the process ends. A second signal cancels what was only asked to end; one after the
    cancellation ends the process at once.

    Args:
        rescue: returns to the board what this process holds; called from another thread.
        drain: asks the coroutine to end; called in its loop.
        grace: seconds it has for that after SIGTERM; 0: it is cancelled at once.
    """

    def __init__(
        self,
        rescue: Callable[[], None],
        *,
        drain: Callable[[], None] | None = None,
        grace: float = 0.0,
    ) -> None:
        self.number: int | None = None
        self._rescue = rescue
        self._drain = drain
        self._grace = grace
        self._hurried = False
        self._hurry = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._before: list[Any] = []

    def __enter__(self) -> Interruption:
        self._before = [signal.signal(number, self._on_signal) for number in SIGNALS]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in zip(SIGNALS, self._before, strict=True):
            signal.signal(number, handler)

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 143 after SIGTERM, 0 without either."""
        return 0 if self.number is None else 128 + self.number

    def run(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The coroutine's result; None where a signal ended it.

        After a signal the caller should soon ``leave``: worker threads may still be busy,
        and Python would wait for them.
        """
        runner = asyncio.Runner()
        try:
            result = runner.run(self._watched(work))
        except asyncio.CancelledError:
            if self.number is None:
                raise
            return None
        except BaseException:  # raised on; after a signal nothing is waited for
            if self.number is None:
                runner.close()
            raise
        runner.close()
        return result

    async def _watched(self, work: Coroutine[Any, Any, T]) -> T:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            return await work
        finally:
            self._task = None

    def drain(self) -> None:
        """Ask the coroutine to end, for no signal's sake; from any thread."""
        if self._loop is not None and self._task is not None and self._drain is not None:
            with contextlib.suppress(RuntimeError):  # it has just ended by itself
                self._loop.call_soon_threadsafe(self._drain)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._hurried:
            os._exit(128 + number)
        first, self.number = self.number is None, number
        if self._loop is None or self._task is None:
            raise SystemExit(128 + number)  # nothing is at work yet, or any more
        gently = first and number == signal.SIGTERM and self._drain is not None
        if gently and self._grace > 0:
            self.drain()
        else:
            self._hurried = True  # before the event, whose lock a further signal might meet
            self._loop.call_soon_threadsafe(self._task.cancel)
            self._hurry.set()
        if first:
            threading.Thread(target=self._watch, name="neveridle-rescue", daemon=True).start()

    def _watch(self) -> None:
        if not self._hurry.wait(self._grace):
            self._hurried = True
            loop, task = self._loop, self._task
            if loop is not None and task is not None:
                with contextlib.suppress(RuntimeError):  # it has just ended by itself
                    loop.call_soon_threadsafe(task.cancel)
        threading.Event().wait(GRACE)
        try:
            self._rescue()
        finally:
            os._exit(self.exit_code)  # no flush: whoever reads our output may have stopped


def leave(code: int) -> NoReturn:
    """End the process now, without waiting for threads; what was printed is flushed."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # the reader has gone
            stream.flush()
    os._exit(code)
