"""How an MCP server is reached: as a program of ours, or by HTTP."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from neveridle.settings.services import McpServer
    from neveridle.tools.services.http import Transport

KEPT: Final = 2000
"""Bytes of what a server writes to stderr that are kept for errors: the newest."""

Streams = tuple[Any, Any]
"""What is read from, and what is written to; see ``mcp.ClientSession``."""


class Tail(asyncio.Protocol):
    """The end of what came through a pipe."""

    def __init__(self) -> None:
        self._data = b""

    def data_received(self, data: bytes) -> None:
        """Keep the newest."""
        self._data = (self._data + data)[-KEPT:]

    @property
    def text(self) -> str:
        """What was kept."""
        return self._data.decode("utf-8", "replace").strip()


def environment(settings: McpServer, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables a server sees besides PATH, HOME and the like: those that are named.

    Their values are not looked through for other variables, as some adapters do: a
    ``${NAME}`` in one of them would show a variable that was not named.
    """
    return {name: environ[name] for name in settings.environment if name in environ}


@asynccontextmanager
async def program(
    settings: McpServer, environ: Mapping[str, str], tail: Tail
) -> AsyncGenerator[Streams]:
    """Start a server's program; when this is left, it and its children are gone.

    Args:
        settings: with the command.
        environ: our own environment.
        tail: gets what it writes to stderr.
    """
    from mcp import StdioServerParameters, stdio_client

    command, *arguments = settings.command
    given = StdioServerParameters(
        command=command, args=arguments, env=environment(settings, environ),
        encoding_error_handler="replace",
    )  # fmt: skip
    reading, writing = os.pipe()
    readable, writable = os.fdopen(reading, "rb", 0), os.fdopen(writing, "w")
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: tail, readable)
    try:
        async with stdio_client(given, errlog=writable) as streams:
            writable.close()  # the program has its own; else its end would never be seen
            yield streams
    finally:
        writable.close()
        pipe.close()


@asynccontextmanager
async def address(
    settings: McpServer, token: str, transport: Transport | None = None
) -> AsyncGenerator[Streams]:
    """Connect to a server that speaks HTTP; one whose path ends in ``/sse`` speaks the older way.

    Args:
        settings: with the url.
        token: sent with every request; empty: none.
        transport: makes what requests are sent by; None: the ordinary way.
    """
    import httpx

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if settings.url.rstrip("/").endswith("/sse"):
        from mcp.client.sse import sse_client

        more = {} if transport is None else {"httpx_client_factory": _factory(transport)}
        async with sse_client(settings.url, headers, settings.timeout, **more) as streams:
            yield streams
        return
    from mcp.client.streamable_http import streamable_http_client

    client = httpx.AsyncClient(
        headers=headers, timeout=settings.timeout, follow_redirects=False,
        transport=None if transport is None else transport(),
    )  # fmt: skip
    async with client, streamable_http_client(settings.url, http_client=client) as (read, write, _):
        yield read, write


def _factory(transport: Transport) -> Any:
    """What makes the clients of the older way: as its own does, with our transport."""
    import httpx

    def make(headers: Any = None, timeout: Any = None, auth: Any = None) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            headers=headers, timeout=timeout, auth=auth, transport=transport(),
            follow_redirects=False,
        )  # fmt: skip

    return make
