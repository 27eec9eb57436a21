"""An MCP server as a service: started when first needed, and again when it died."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from neveridle.board.breaker import BreakerPolicy
from neveridle.errors import ExtraMissing, NeveridleError, ServiceError, SettingsInvalid
from neveridle.tools.mcp.connection import Connection
from neveridle.tools.mcp.failures import call_error, is_end, start_error
from neveridle.tools.mcp.transport import Tail, address, program
from neveridle.tools.permits import lane_for
from neveridle.tools.resilience import Guard, RetryPolicy
from neveridle.tools.services.http import fingerprint

if TYPE_CHECKING:
    from mcp.types import CallToolResult, Tool

    from neveridle.settings.services import McpServer
    from neveridle.tools.services.kit import ServiceKit

PREFIX: Final = "mcp:"
PING: Final = 2.0
"""Real seconds in which a server that let a call time out has to answer a ping."""
RETRY: Final = RetryPolicy(attempts=3, total=60.0)


class Mcp:
    """One server. Made by ``connect``; belongs to one event loop.

    Args:
        name: its name in the settings; its service is ``mcp:NAME``.
        settings: its settings.
        kit: breakers, clock and environment.
    """

    def __init__(self, name: str, settings: McpServer, kit: ServiceKit) -> None:
        self.name = name
        self.settings = settings
        self.service = f"{PREFIX}{name}"
        self._environ = kit.environ
        self._transport = kit.transport_of(f"mcp:{name}")
        self._token = kit.environ.get(settings.token_env, "") if settings.token_env else ""
        self._guard = Guard(
            self.service, kit.breakers, kit.clock, retry=RETRY,
            breaker=BreakerPolicy(
                threshold=settings.breaker_threshold, reset=settings.breaker_reset,
                probe=settings.timeout * 2,
            ),
            credentials=fingerprint(self._token),
            lane=lane_for(
                kit.permits, kit.clock, kit.concurrency, [self.service],
                seconds=settings.timeout * 2,
            ),
            tally=kit.tallies.of(self.service),
        )  # fmt: skip
        self._gate = asyncio.Lock()
        self._connection: Connection | None = None
        self._tail = Tail()
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    @classmethod
    def connect(cls, name: str, settings: McpServer, kit: ServiceKit) -> Mcp:
        """A server as the settings say; it is not started before it is needed.

        Raises:
            SettingsInvalid: neither a command nor a url is set, or both are.
            ExtraMissing: the extra ``mcp`` is not installed.
        """
        if bool(settings.command) == bool(settings.url):
            msg = f"[services.mcp.{name}] needs either command or url."
            raise SettingsInvalid(msg)
        try:
            import langchain_mcp_adapters.tools as adapters
        except ImportError as error:
            msg = f"The MCP server {name} needs a package that is not installed."
            raise ExtraMissing(msg, remedy="pip install 'neveridle[mcp]'") from error
        del adapters
        return cls(name, settings, kit)

    @property
    def running(self) -> bool:
        """Whether there is a connection, as far as is known now."""
        return self._connection is not None and not self._connection.ended

    async def tools(self) -> list[Tool]:
        """What the server offers.

        Raises:
            ServiceUnavailable: its breaker is open.
            ServiceError: it cannot be started.
        """

        async def once() -> list[Tool]:
            return (await self._connected()).tools

        return await self._guard.call(once, repeatable=True)

    async def call(
        self, tool: str, arguments: Mapping[str, Any], *, repeatable: bool = False
    ) -> CallToolResult:
        """Call a tool.

        Args:
            tool: its name, as the server has it.
            arguments: by name.
            repeatable: whether it may be called again where its answer was lost.

        Raises:
            RequestRefused: the server refused the call.
            ServiceError: it did not answer; nobody knows what it did.
        """

        async def once() -> CallToolResult:
            connection = await self._connected()
            try:
                async with asyncio.timeout(self.settings.timeout):
                    return await connection.asked(
                        connection.session.call_tool(tool, dict(arguments))
                    )
            except TimeoutError as late:
                await self._look_at(connection)
                msg = f"{self.service} did not answer within {self.settings.timeout:g} s."
                raise ServiceError(msg, service=self.service) from late
            except NeveridleError:
                raise
            except Exception as error:  # the protocol's library has many
                if is_end(error):
                    self._drop(connection)
                raise call_error(self.service, error) from error

        return await self._guard.call(once, repeatable=repeatable)

    async def aclose(self) -> None:
        """End the server; may be called twice."""
        self._closed = True
        connection = self._connection
        if connection is not None:
            self._drop(connection)
        if self._closing:
            await asyncio.wait(self._closing)

    async def _connected(self) -> Connection:
        """The connection that is there, or a new one."""
        async with self._gate:
            one = self._connection
            if one is not None and one.ended:
                self._drop(one)
                one = None
            if one is None:
                if self._closed:
                    raise ServiceError(f"{self.service} was closed.", service=self.service)
                self._tail = tail = Tail()
                one = self._connection = Connection(self.name, lambda: self._streams(tail))
            try:
                async with asyncio.timeout(self.settings.timeout):
                    await one.started()
            except Exception as error:  # of the operating system, the protocol, or the network
                self._drop(one)
                raise start_error(self.service, error, self._tail.text) from error
            return one

    def _streams(self, tail: Tail) -> Any:
        if self.settings.command:
            return program(self.settings, self._environ, tail)
        return address(self.settings, self._token, self._transport)

    async def _look_at(self, connection: Connection) -> None:
        """After a call that took too long: end the server, unless it is only that call."""
        try:
            async with asyncio.timeout(PING):
                await connection.asked(connection.session.send_ping())
        except Exception:  # noqa: BLE001 - whatever it is: it does not answer
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        """End a connection; nobody needs to wait for that."""
        if self._connection is connection:
            self._connection = None
        task = asyncio.create_task(connection.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
