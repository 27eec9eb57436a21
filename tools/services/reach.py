"""Whether the services that are configured can be reached, for a person who asks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from neveridle.board.breaker import BreakerState
from neveridle.errors import NeveridleError
from neveridle.health import Check, Finding, Grade, examine, in_thread, problem

if TYPE_CHECKING:
    from neveridle.board.breaker import Breaker
    from neveridle.settings import Settings
    from neveridle.settings.services import McpServer, ServiceSettings
    from neveridle.tools.services.kit import ServiceKit

SECONDS: Final = 20.0
"""Real seconds in which a service has to answer."""
STEP: Final = 8.0
"""Seconds for one step of a request, whatever is set."""
BREAKERS: Final = """
SELECT name, state, reason, coalesce(retry_at, 0) - (SELECT now FROM board_clock) FROM services
WHERE state <> 'closed'
"""


async def look_at_reach(settings: Settings) -> Sequence[Finding]:
    """Ask every service that is configured and has its token, all at once.

    One that is left alone at present is not asked: how its breaker stands is said. Nothing
    that comes of it is written to the board.
    """
    services = settings.services
    closed = await in_thread(lambda: _closed(settings))
    wanted = {name: getattr(services, name) for name in _names(settings)}
    checks = [Check(name, _one(name, one, closed), seconds=SECONDS) for name, one in wanted.items()]
    checks += [
        Check(f"mcp:{name}", _server(name, one, closed), seconds=SECONDS)
        for name, one in services.mcp.items()
    ]
    return await examine(checks, settings)


def breaker_finding(one: Breaker, seconds: float | None) -> Finding:
    """How a breaker that is not closed stands.

    Args:
        one: the breaker.
        seconds: until it may be tried again; None: not by time.
    """
    facts = {"state": str(one.state), "reason": one.reason}
    if one.state is BreakerState.HELD:
        msg = f"{one.service} is held: {one.reason}"
        remedy = f"Repair it, then `neveridle services reset {one.service}`."
        return Finding(
            about=one.service, grade=Grade.PROBLEM, message=msg, remedy=remedy, facts=facts
        )
    msg = f"{one.service} is not called for {max(seconds or 0.0, 0.0):.0f} s: {one.reason}"
    remedy = "It is tried again by itself; work that does not need it goes on."
    return Finding(about=one.service, grade=Grade.WARNING, message=msg, remedy=remedy, facts=facts)


def _names(settings: Settings) -> list[str]:
    from neveridle.tools.services.services import MAKERS, without_token

    services = settings.services
    lacking = {one.name for one in without_token(services, os.environ)}
    there: list[str] = []
    for name in MAKERS:
        one: ServiceSettings | None = getattr(services, name)
        if one is not None and one.enabled and name not in lacking:
            there.append(name)
    return there


def _closed(settings: Settings) -> dict[str, Finding]:
    """The services that are left alone at present, by the board."""
    from neveridle.board.breaker import Breaker
    from neveridle.board.inspection import reading

    try:
        with reading(settings.board_url) as reader:
            rows = reader.rows(BREAKERS)
    except Exception:  # noqa: BLE001 - no board, or an older one: its own check says what is wrong
        return {}
    found: dict[str, Finding] = {}
    for name, state, reason, seconds in rows:
        one = Breaker(service=str(name), state=BreakerState(state), reason=str(reason))
        if one.state is BreakerState.OPEN and float(seconds) <= 0:
            continue  # its time is over
        found[one.service] = breaker_finding(one, float(seconds))
    return found


def _kit(environ: Mapping[str, str] = os.environ) -> ServiceKit:
    from neveridle.tools.services.kit import ServiceKit
    from neveridle.tools.services.unkept import LoopClock, UnkeptBreakers

    return ServiceKit(UnkeptBreakers(), LoopClock(), environ)


def _one(name: str, settings: ServiceSettings, closed: Mapping[str, Finding]) -> Any:
    async def look(whole: Settings) -> Sequence[Finding]:
        from neveridle.tools.services.probes import probe
        from neveridle.tools.services.services import connect

        del whole
        if name in closed:
            return [closed[name]]
        brief = {"attempts": 1, "timeout": min(settings.timeout, STEP)}
        once = settings.model_copy(update=brief)
        try:
            client = connect(name, once, _kit())
        except NeveridleError as error:
            return [problem(name, error)]
        try:
            return await probe(name, client, once)
        finally:
            await client.aclose()

    return look


def _server(name: str, settings: McpServer, closed: Mapping[str, Finding]) -> Any:
    async def look(whole: Settings) -> Sequence[Finding]:
        from neveridle.tools.mcp import Mcp
        from neveridle.tools.services.probes import probe_mcp

        del whole
        if f"mcp:{name}" in closed:
            return [closed[f"mcp:{name}"]]
        once = settings.model_copy(update={"timeout": min(settings.timeout, STEP)})
        try:
            server = Mcp.connect(name, once, _kit())
        except NeveridleError as error:
            return [problem(f"mcp:{name}", error)]
        try:
            return await probe_mcp(server)
        finally:
            await server.aclose()

    return look
