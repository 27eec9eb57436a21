"""One connection to an MCP server, from its start to its end, in a task of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from neveridle.tools.mcp.transport import Streams

if TYPE_CHECKING:
    from mcp import ClientSession
    from mcp.types import Tool

T = TypeVar("T")

END: Final = 15.0
"""Real seconds for which the end of a connection is waited for."""
PAGES: Final = 20
"""Pages of a server's list of tools that are read at most."""


class Connection:
    """A session with a server. The task owns it: who waits for it may be cancelled.

    Args:
        name: the server's.
        connect: makes the streams.

    Attributes:
        session: there once it has started.
        tools: what the server offers.
    """

    session: ClientSession
    tools: list[Tool]

    def __init__(
        self, name: str, connect: Callable[[], AbstractAsyncContextManager[Streams]]
    ) -> None:
        self._connect = connect
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._own(), name=f"neveridle-mcp-{name}")

    @property
    def ended(self) -> bool:
        """Whether it can be used no more: the server is gone, or it was closed."""
        return self._stop.is_set() or self._task.done()

    async def started(self) -> None:
        """Wait until it can be used.

        Raises:
            Exception: whatever went wrong.
        """
        await asyncio.wait({self._ready})
        self._ready.result()

    async def asked(self, work: Coroutine[Any, Any, T]) -> T:
        """What the session gives; its end ends the waiting, which the session alone would not.

        Raises:
            ConnectionError: the server is gone.
            Exception: whatever ``work`` raised.
        """
        job = asyncio.ensure_future(work)
        try:
            await asyncio.wait({job, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if not job.done():
                raise ConnectionError("the server is gone")
            return job.result()
        finally:
            if not job.done():
                job.cancel()
                await asyncio.wait({job})

    async def close(self) -> None:
        """End it, and the server's process with it."""
        self._stop.set()
        # Not cancelled at once: the library leaves a program that is just being started open.
        await asyncio.wait({self._task}, timeout=END)
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=END)

    async def _own(self) -> None:
        try:
            await self._live()
        except asyncio.CancelledError:
            self._failed(ConnectionError("it was closed before it had started"))
            raise
        except Exception as error:  # noqa: BLE001 - whoever waits for it gets it
            self._failed(error)
        else:
            self._failed(ConnectionError("it ended before it had started"))
        finally:
            self._stop.set()

    async def _begin(self, session: ClientSession) -> list[Tool]:
        """Shake hands, unless it is closed or ends before."""

        async def begin() -> list[Tool]:
            await session.initialize()
            return await _all_tools(session)

        beginning = asyncio.ensure_future(begin())
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({beginning, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not beginning.done():
                raise ConnectionError("it ended before it had started")
            return beginning.result()
        finally:
            beginning.cancel()
            stopped.cancel()
            await asyncio.gather(beginning, stopped, return_exceptions=True)

    def _failed(self, error: Exception) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # it may be that nobody waits any more

    async def _live(self) -> None:
        import anyio
        from mcp import ClientSession

        async with self._connect() as (read, write):
            sending, receiving = anyio.create_memory_object_stream[Any](0)

            async def pump() -> None:
                """Pass on what comes; its end is the server's."""
                async with sending:
                    async for message in read:
                        await sending.send(message)
                self._stop.set()

            # Closed by us, whoever should have done it: some are left open where a start fails.
            async with read, write, sending, receiving, anyio.create_task_group() as group:
                group.start_soon(pump)
                async with ClientSession(receiving, write) as session:
                    self.tools = await self._begin(session)
                    self.session = session
                    if not self._ready.done():
                        self._ready.set_result(None)
                    await self._stop.wait()
                group.cancel_scope.cancel()


async def _all_tools(session: ClientSession) -> list[Tool]:
    from mcp.types import PaginatedRequestParams

    found: list[Tool] = []
    cursor: str | None = None
    for _ in range(PAGES):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
        found += page.tools
        cursor = page.nextCursor
        if not cursor:
            break
    return found
