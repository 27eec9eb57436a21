"""Whether work makes progress: what finishes, and what runs with a limit of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from neveridle.errors import NoProgress

if TYPE_CHECKING:
    from neveridle.board.clock import BoardClock

_current: ContextVar[Progress | None] = ContextVar("neveridle_progress", default=None)


class Progress:
    """Ends work in which nothing finishes any more.

    A model call that ends and a tool call that ends are progress. A command has limits of
    its own, in all and without output, so the clock stands still while one runs.

    Args:
        clock: whose seconds count.
        seconds: how long nothing may finish.
    """

    def __init__(self, clock: BoardClock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._commands = 0
        self._marked = asyncio.Event()

    def mark(self) -> None:
        """Something finished."""
        self._marked.set()

    @contextmanager
    def command(self) -> Generator[None]:
        """While inside, a command runs."""
        self._commands += 1
        self.mark()
        try:
            yield
        finally:
            self._commands -= 1
            self.mark()

    @asynccontextmanager
    async def bound(self) -> AsyncGenerator[None]:
        """Cancel the block when nothing has finished for too long.

        Raises:
            NoProgress: it was.
        """
        loop = asyncio.get_running_loop()
        scope = asyncio.timeout(None)
        try:
            async with scope:

                async def watch() -> None:
                    await self._stalled()
                    scope.reschedule(loop.time())

                watcher = asyncio.create_task(watch(), name="neveridle-progress")
                token = _current.set(self)
                try:
                    yield
                finally:
                    _current.reset(token)
                    watcher.cancel()
                    # Not awaited itself: what ends the block is not to be hidden by its end.
                    await asyncio.wait([watcher])
                    failed = None if watcher.cancelled() else watcher.exception()
            if failed is not None:
                raise failed
        except TimeoutError as error:
            if not scope.expired():
                raise
            msg = f"Nothing finished for {self._seconds:.0f} seconds: no model call, no tool call."
            raise NoProgress(msg, remedy="limits.idle_timeout sets how long.") from error

    async def _stalled(self) -> None:
        while True:
            self._marked.clear()
            if self._commands:
                await self._marked.wait()
                continue
            try:
                async with self._clock.timeout(self._seconds):
                    await self._marked.wait()
            except TimeoutError:
                if not self._marked.is_set():
                    return


@contextmanager
def at_command() -> Generator[None]:
    """While inside, the attempt at work runs a command; nothing happens outside of one."""
    progress = _current.get()
    if progress is None:
        yield
        return
    with progress.command():
        yield
