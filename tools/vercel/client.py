"""Vercel's REST API, as far as a team reads it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from neveridle.errors import ModelMistake
from neveridle.tools.services.http import ServiceHttp
from neveridle.tools.services.parsed import answered_json, fields_of, parsed
from neveridle.tools.vercel.failures import vercel_error
from neveridle.tools.vercel.models import (
    BuildEvent,
    BuildLine,
    Deployment,
    DeploymentPage,
    VercelUser,
)

if TYPE_CHECKING:
    from neveridle.settings.services import VercelSettings
    from neveridle.tools.services.kit import ServiceKit

PAGE: Final = 100
"""Deployments asked for at once, at most."""
PAGES: Final = 10
"""Pages read for one list, at most."""
LINES: Final = 1000
"""Lines of a log at most."""

# Colours, cursor movements, titles, and what else a terminal would swallow.
_CONTROL: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-_]|[\x00-\x08\x0b-\x1f\x7f]"
)
_SHA: Final = re.compile(r"[0-9a-f]{40}")


class Vercel:
    """Reads deployments. Made by ``connect``; belongs to one event loop.

    Args:
        http: HTTP to the API.
        project: the project's name or id; empty: all that the token sees.
        team: the team's id or slug; empty: the personal account.
    """

    def __init__(self, http: ServiceHttp, *, project: str = "", team: str = "") -> None:
        self._http = http
        self.project = project
        self._scope = {"teamId" if team.startswith("team_") else "slug": team or None}

    @classmethod
    def connect(cls, settings: VercelSettings, kit: ServiceKit) -> Vercel:
        """A client as the settings say; no connection is made before the first call."""
        http = ServiceHttp(
            kit.guard(settings),
            settings.url,
            headers={
                "Authorization": f"Bearer {kit.token(settings)}", "Accept": "application/json",
            },
            timeout=settings.timeout,
            classify=vercel_error,
            transport=kit.transport_of(settings.name),
        )  # fmt: skip
        return cls(http, project=settings.project, team=settings.team)

    async def aclose(self) -> None:
        """Close all connections; may be called twice."""
        await self._http.aclose()

    async def deployments(
        self,
        sha: str = "",
        *,
        branch: str = "",
        target: str = "",
        state: str = "",
        limit: int = 20,
    ) -> list[Deployment]:
        """Deployments of the project, newest first.

        Args:
            sha: only of this commit, by its whole hash; empty: of any.
            branch: only of this branch.
            target: only for ``production`` or ``preview``.
            state: only in these states, such as ``ERROR,CANCELED``.
            limit: at most so many.

        Raises:
            ModelMistake: ``sha`` is no whole hash.
            ServiceError, AccessRefused, RequestRefused: see ``ServiceHttp.request``.
        """
        if sha and not _SHA.fullmatch(sha):
            msg = f"{sha[:80]!r} is no whole commit hash."
            raise ModelMistake(msg, remedy="Give all 40 hexadecimal digits.")
        limit = max(1, min(limit, PAGE * PAGES))
        asked: dict[str, Any] = {
            **self._scope, "projectId": self.project or None, "sha": sha or None,
            "branch": branch or None, "target": target or None, "state": state or None,
        }  # fmt: skip
        found: dict[str, Deployment] = {}
        until: int | None = None
        for _ in range(PAGES):
            params = {**asked, "limit": min(PAGE, limit - len(found)), "until": until}
            page = parsed("vercel", DeploymentPage, await self._get("/v6/deployments", params))
            # By id: one that was made meanwhile may push others to the next page.
            found |= {one.id: one for one in page.deployments if one.id not in found}
            after = page.pagination.next
            if after is None or len(found) >= limit or (until is not None and after >= until):
                break
            until = int(after)
        return list(found.values())[:limit]

    async def deployment(self, which: str) -> Deployment:
        """One deployment as it stands now.

        Args:
            which: its id, or its host.

        Raises:
            RequestRefused: there is none.
            ServiceError, AccessRefused: see ``ServiceHttp.request``.
        """
        data = await self._get(f"/v13/deployments/{_one(which)}", self._scope)
        return parsed("vercel", Deployment, data)

    async def logs(self, which: str, *, limit: int = 200) -> list[BuildLine]:
        """The newest lines of a build's log, oldest of them first.

        Args:
            which: the deployment's id, or its host.
            limit: at most so many events of the build.
        """
        params = {
            **self._scope, "direction": "backward", "follow": 0, "builds": 1,
            "limit": max(1, min(limit, LINES)),
        }  # fmt: skip
        data = await self._get(f"/v3/deployments/{_one(which)}/events", params)
        events = parsed("vercel", list[BuildEvent | None], data or [])
        newest_first = [_line(one) for one in events if one is not None]
        lines = [line for line in reversed(newest_first) if line.text]
        return sorted(lines, key=lambda line: line.at)[-limit:]

    async def viewer(self) -> VercelUser:
        """Whose token it is: also the cheapest proof that it is accepted."""
        data = fields_of(await self._get("/v2/user", {}))
        return parsed("vercel", VercelUser, data.get("user"))

    async def _get(self, path: str, params: dict[str, Any]) -> Any:
        response = await self._http.request("GET", path, params=params)
        return answered_json("vercel", response.text)


def plain(text: str) -> str:
    """Text without what is meant for a terminal."""
    return _CONTROL.sub("", text).rstrip()


def _line(event: BuildEvent) -> BuildLine:
    text = event.payload.text if event.text is None else event.text
    at = event.created or event.payload.date or 0
    return BuildLine(at=at, kind=event.type, text=plain(text or ""))


def _one(which: str) -> str:
    """An id or a host for a path; an address is taken for its host."""
    host = which.strip().removeprefix("https://").split("/", 1)[0]
    if not host or host in (".", ".."):
        msg = f"{which[:80]!r} names no deployment."
        raise ModelMistake(msg, remedy="Give its id (dpl_…) or its host.")
    return quote(host, safe="")
