"""Ctrl-C and SIGTERM: the team stops in order, or is stopped, within two seconds."""

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
    """Runs one coroutine, and turns the first signal into its cancellation.

    Python's own way waits for every worker thread, and is not heard while the event loop
    is busy, as during the import of a large library. So a thread watches: when the
    coroutine has not ended ``GRACE`` seconds after the signal, ``rescue`` is called, and
    the process ends. A second signal ends it at once.

    Args:
        rescue: returns to the board what this process holds; called from another thread.
    """

    def __init__(self, rescue: Callable[[], None]) -> None:
        self.number: int | None = None
        self._rescue = rescue
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
        except BaseException:
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

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            os._exit(128 + number)
        self.number = number
        if self._loop is None or self._task is None:
            raise SystemExit(128 + number)  # nothing is at work yet, or any more
        threading.Thread(target=self._watch, name="neveridle-rescue", daemon=True).start()
        self._loop.call_soon_threadsafe(self._task.cancel)

    def _watch(self) -> None:
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
