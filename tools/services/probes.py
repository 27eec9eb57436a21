"""The cheapest questions that prove a service can be used, with the token we have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from neveridle.errors import NeveridleError
from neveridle.health import Finding, Grade, problem
from neveridle.tools.services.parsed import fields_of

if TYPE_CHECKING:
    from neveridle.settings.services import (
        GitHubSettings,
        LinearSettings,
        ServiceSettings,
        SlackSettings,
        VercelSettings,
    )
    from neveridle.tools.convex import Convex
    from neveridle.tools.github import GitHub
    from neveridle.tools.linear import Linear
    from neveridle.tools.mcp import Mcp
    from neveridle.tools.slack import Slack
    from neveridle.tools.vercel import Vercel


async def probe(name: str, client: Any, settings: ServiceSettings) -> list[Finding]:
    """Ask a service; what was found.

    Args:
        name: the service.
        client: its client.
        settings: its settings.
    """
    ask = PROBES.get(name)
    if ask is None:
        return []
    try:
        return await ask(client, settings)
    except NeveridleError as error:
        return [problem(name, error)]


async def probe_mcp(server: Mcp) -> list[Finding]:
    """Ask an MCP server what it offers, and compare that with what is allowed."""
    try:
        offered = {one.name for one in await server.tools()}
    except NeveridleError as error:
        return [problem(server.service, error)]
    missing = [one for one in server.settings.tools if one not in offered and one != "*"]
    facts = {"offered": sorted(offered)}
    if missing:
        msg = f"{server.service} has no {', '.join(missing)}."
        remedy = f"Correct tools in [services.mcp.{server.name}]; it has "
        remedy += f"{', '.join(sorted(offered))}."[:500]
        return [_warning(server.service, msg, remedy, **facts)]
    said = f"It offers {len(offered)} tools."
    return [Finding(about=server.service, message=said, facts=facts)]


async def _linear(client: Linear, settings: LinearSettings) -> list[Finding]:
    from neveridle.tools.linear import documents

    # Not client.viewer, which remembers what it was told once.
    viewer = fields_of(fields_of(await client.ask(documents.VIEWER)).get("viewer"))
    said = f"The token is accepted, as {viewer.get('name') or viewer.get('id')}'s."
    found = [Finding(about="linear", message=said)]
    if settings.team:
        await client.team(settings.team, again=True)
    return found


async def _github(client: GitHub, settings: GitHubSettings) -> list[Finding]:
    repository = fields_of(await client.rest.get(client.rest.path()))
    may = fields_of(repository.get("permissions"))
    facts = {"repository": settings.repository, "push": bool(may.get("push"))}
    if repository.get("archived"):
        msg = f"{settings.repository} is archived."
        remedy = "Nobody can push there: unarchive it, or set another repository."
        return [_warning("github", msg, remedy, **facts)]
    if not may.get("push"):
        msg = f"{settings.repository} can be read, and nothing can be pushed."
        remedy = "Give the token the right to write contents, or deliver in another way."
        return [_warning("github", msg, remedy, **facts)]
    said = f"{settings.repository} can be read and pushed to."
    return [Finding(about="github", message=said, facts=facts)]


async def _vercel(client: Vercel, settings: VercelSettings) -> list[Finding]:
    viewer = await client.viewer()
    newest = await client.deployments(limit=1)
    facts = {"project": settings.project}
    if settings.project and not newest:
        msg = f"The project {settings.project} has no deployment."
        remedy = "Look whether project and team in [services.vercel] are right."
        return [_warning("vercel", msg, remedy, **facts)]
    said = f"The token is accepted, as {viewer.username or viewer.id}'s."
    return [Finding(about="vercel", message=said, facts=facts)]


async def _convex(client: Convex, settings: ServiceSettings) -> list[Finding]:
    del settings
    return [Finding(about="convex", message=f"It answers: {await client.reach()}.")]


async def _slack(client: Slack, settings: SlackSettings) -> list[Finding]:
    me = await client.whoami()
    facts = {"scopes": sorted(me.scopes)}
    reads = {"channels:history", "groups:history"} & me.scopes
    lacking = [] if not me.scopes or "chat:write" in me.scopes else ["chat:write"]
    if me.scopes and settings.history and not reads:
        lacking.append("channels:history")
    if lacking:
        msg = f"The token lacks {', '.join(lacking)}."
        remedy = "Give the app the scope, and install it again"
        remedy += "; or set history = false in [services.slack]." if settings.history else "."
        grade = Grade.PROBLEM if "chat:write" in lacking else Grade.WARNING
        return [Finding(about="slack", grade=grade, message=msg, remedy=remedy, facts=facts)]
    said = f"The token is accepted, as {me.user} in {me.team}."
    return [Finding(about="slack", message=said, facts=facts)]


def _warning(about: str, message: str, remedy: str, **facts: Any) -> Finding:
    return Finding(about=about, grade=Grade.WARNING, message=message, remedy=remedy, facts=facts)


PROBES: Final[Mapping[str, Callable[[Any, Any], Awaitable[list[Finding]]]]] = {
    "linear": _linear,
    "github": _github,
    "vercel": _vercel,
    "convex": _convex,
    "slack": _slack,
}
