"""How a process notices that others changed the board: on SQLite by looking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from neveridle.board.simulation import paced


class SqliteChanges:
    """See ``neveridle.board.database.Changes``.

    SQLite tells nobody. But each connection sees a counter in shared memory that changes
    with every commit of another one, and reading it takes microseconds and no thread.

    Args:
        commits: reads that counter; None: it is not known, so anything may have changed.
    """

    def __init__(self, commits: Callable[[], int | None]) -> None:
        self._commits = commits
        self._seen: int | None = None
        self._nudged = asyncio.Event()

    async def wait(self, poll: float) -> None:
        """See ``Changes``."""
        while not self._nudged.is_set():
            # Not asyncio.wait_for: on Python 3.11 it loses a cancellation that comes together
            # with what it waits for.
            with suppress(TimeoutError):
                async with asyncio.timeout(paced(poll)):
                    await self._nudged.wait()
            known, self._seen = self._seen, self._commits()
            if self._seen is None or self._seen != known:
                break
        self._nudged.clear()

    def nudge(self) -> None:
        """See ``Changes``."""
        self._nudged.set()

    async def close(self) -> None:
        """See ``Changes``."""
