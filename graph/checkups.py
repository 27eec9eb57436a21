"""Checkups: what ``neveridle doctor`` looks at, looked at by a running team now and then."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from neveridle.board.breaker import BreakerState
from neveridle.board.simulation import paced
from neveridle.health import Check, Finding, Grade, examine
from neveridle.tools.redact import redact
from neveridle.tools.services.parsed import fields_of
from neveridle.tools.services.probes import probe, probe_mcp
from neveridle.tools.services.reach import breaker_finding

if TYPE_CHECKING:
    from neveridle.board import Board
    from neveridle.settings import Settings
    from neveridle.tools.mcp.servers import McpServers
    from neveridle.tools.services import Services

SOURCE: Final = "checkups"
EVERY: Final = 300.0
"""Seconds by the board's clock between two looks."""
AGAIN: Final = 60.0
"""Real seconds until the next look where one failed."""
HOLD: Final = 120.0
"""Seconds for which one process looks before another may take over."""
LIMIT: Final = 60.0
"""Real seconds in which a service has to answer, with all its retries."""
HOSTS: Final = 50
"""Hosts of which it is known what is wrong there."""
SHOWN: Final = 300
"""Characters of what is wrong, as it is kept and said."""

Problems = dict[str, str]
"""What is wrong, by what it is about."""

log = logging.getLogger(__name__)


class Checkups:
    """Looks whether something broke, or works again, and says so once.

    Each process looks at its own machine. One process of the team asks the services, through
    their breakers: so it is what tries a service whose breaker's time is over and that
    nobody needs just now. What is said elsewhere, such as that a breaker opened, is only
    in the event.

    Args:
        board: the board.
        settings: the team's.
        services: the clients.
        mcp: the MCP servers.
        checks: of this machine.
        holder: who looks, as a name on the board.
        host: this machine's name.
    """

    def __init__(
        self,
        board: Board,
        settings: Settings,
        services: Services,
        mcp: McpServers,
        *,
        checks: Sequence[Check],
        holder: str,
        host: str = "",
    ) -> None:
        self._board = board
        self._settings = settings
        self._services = services
        self._mcp = mcp
        self._checks = checks
        self._holder = holder
        self._host = host or socket.gethostname()
        self._task: asyncio.Task[None] | None = None
        self._here: Problems = {}
        self._looked: float | None = None

    async def look(self) -> list[str]:
        """Look once; what changed, as it is said in ``dev``.

        Nothing is written where nothing changed, but for who asks the services.
        """
        here = await self._look_here()
        outside = bool(self._services.usable or self._mcp.servers)
        if not outside and _known(await self._board.syncs.token(SOURCE), self._host) == here:
            return []
        if not await self._board.syncs.hold(SOURCE, self._holder, seconds=HOLD):
            return []
        token: str | None = None
        try:
            known = fields_of(json.loads(await self._board.syncs.token(SOURCE) or "{}"))
            now = await self._board.clock.now()
            before = _strings(known.get("services"))
            there, quiet = before, set[str]()
            at = float(known.get("at") or 0.0)
            if outside and now - at >= EVERY * 0.9:
                there, quiet = await self._ask()
                at = now
            hosts = fields_of(known.get("hosts"))
            said = _changes(_strings(hosts.get(self._host)), here, where=f" (on {self._host})")
            said |= _changes(before, there)
            if here:
                hosts[self._host] = here
            else:
                hosts.pop(self._host, None)
            kept = dict(list(hosts.items())[-HOSTS:])
            token = json.dumps({"at": at, "hosts": kept, "services": there})
            return await self._say(said, quiet)
        finally:
            await self._board.syncs.release(SOURCE, self._holder, token=token)

    async def _look_here(self) -> Problems:
        """What is wrong with this machine; in simulated time, where nobody works on it, seldom."""
        now = await self._board.clock.now()
        every = paced(EVERY) - EVERY
        if self._looked is None or now - self._looked >= every:
            self._here = _problems(await examine(self._checks, self._settings))
            self._looked = now
        return self._here

    async def _ask(self) -> tuple[Problems, set[str]]:
        """What is wrong with services, and of which their breakers have said so already."""
        names = [*self._services.usable, *(one.service for one in self._mcp.servers)]
        found = await examine(
            [Check(name, self._asks(name), seconds=LIMIT) for name in names], self._settings
        )
        told: set[str] = set()
        for one in await self._board.breakers.all():
            if one.state is not BreakerState.CLOSED:
                told.add(one.service)
        return _problems(found), told

    def _asks(self, name: str) -> Callable[[Settings], Awaitable[Sequence[Finding]]]:
        async def ask(settings: Settings) -> Sequence[Finding]:
            breaker = await self._board.breakers.get(name)
            if breaker.state is BreakerState.OPEN and breaker.retry_at is not None:
                left = breaker.retry_at - await self._board.clock.now()
                if left > 0:
                    return [breaker_finding(breaker, left)]
            for server in self._mcp.servers:
                if server.service == name:
                    return await probe_mcp(server)
            one = getattr(settings.services, name)
            return await probe(name, self._services.client(name), one)

        return ask

    async def _say(self, said: Mapping[str, tuple[bool, str]], quiet: set[str]) -> list[str]:
        if not said:
            return []
        data = {about: words for about, (_, words) in said.items()}
        await self._board.events.append("health.changed", data)
        lines = [words for about, (_, words) in said.items() if about not in quiet]
        for words in lines:
            await self._board.messages.post("dev", "team", words)
        return lines

    def start(self, *, tell: Callable[[Exception, str], Awaitable[None]]) -> None:
        """Begin to look, every five minutes.

        Args:
            tell: whom to tell what went wrong, and where.
        """
        self._task = asyncio.create_task(self._keep(tell), name="neveridle-checkups")

    async def _keep(self, tell: Callable[[Exception, str], Awaitable[None]]) -> None:
        while True:
            try:
                await self._board.clock.sleep(EVERY)
                await self._look(tell)
            except Exception as error:  # noqa: BLE001 - the next look may reach the board again
                log.warning("a checkup failed: %s", redact(str(error)))
                await asyncio.sleep(AGAIN)

    async def _look(self, tell: Callable[[Exception, str], Awaitable[None]]) -> None:
        try:
            await self.look()
        except Exception as error:  # noqa: BLE001 - the team works on; it is told of
            await tell(error, "checkups")

    async def stop(self) -> None:
        """Stop looking."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def machine_checks() -> list[Check]:
    """What can break on a machine while a team runs.

    Not the sandbox: it is made anew for each command, which says what is wrong with it.
    """
    from neveridle.memory.health import CHECKS as MEMORY
    from neveridle.tools.health import CHECKS as TOOLS

    apart = ("sandbox", "services", "reach")
    return [one for one in (*TOOLS, *MEMORY) if one.name not in apart]


def _problems(found: Sequence[Finding]) -> Problems:
    return {
        one.about: redact(f"{one.message} {one.remedy}".strip())[:SHOWN]
        for one in found
        if one.grade is Grade.PROBLEM
    }


def _changes(before: Problems, now: Problems, where: str = "") -> dict[str, tuple[bool, str]]:
    """What is wrong now and was not, and the other way round."""
    new = {
        about: (True, f"{about} is not well{where}: {words}")
        for about, words in now.items()
        if about not in before
    }
    over = {
        about: (False, f"{about} is well again{where}.") for about in before if about not in now
    }
    return {**new, **over}


def _known(token: str, host: str) -> Problems:
    known = fields_of(json.loads(token or "{}"))
    return _strings(fields_of(known.get("hosts")).get(host))


def _strings(value: Any) -> Problems:
    return {str(name): str(one) for name, one in fields_of(value).items()}
