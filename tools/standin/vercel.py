"""A stand-in for Vercel's REST API: deployments, their states and build logs."""

from __future__ import annotations

from typing import Any, Final

from neveridle.tools.standin.exchange import Answer, StandinRequest
from neveridle.tools.standin.http import HttpStandin

BORN: Final = 1_700_000_000_000
"""Milliseconds since 1970 of the first deployment; each next is a second later."""


class VercelStandin(HttpStandin):
    """Vercel on loopback. Use as ``with VercelStandin(token="t") as vercel``.

    Args:
        token: the token that is accepted; all others are answered as Vercel does.
        team: the team's id or slug that requests must be for; empty: none may be given.
    """

    def __init__(self, *, token: str = "", team: str = "") -> None:
        super().__init__(token=token)
        self.team = team
        self._deployments: list[dict[str, Any]] = []
        self._events: dict[str, list[dict[str, Any]]] = {}

    def deploy(
        self, sha: str, *, state: str = "READY", project: str = "web", branch: str = "main",
        target: str | None = None, error: str = "",
    ) -> str:  # fmt: skip
        """Add a deployment; its id."""
        with self.lock:
            number = len(self._deployments)
            one: dict[str, Any] = {
                "uid": f"dpl_{number}", "name": project, "projectId": f"prj_{project}",
                "url": f"{project}-{number}.vercel.app", "created": BORN + number * 1000,
                "createdAt": BORN + number * 1000, "state": state, "readyState": state,
                "type": "LAMBDAS", "creator": {"uid": "u1", "username": "sam"}, "target": target,
                "inspectorUrl": f"https://vercel.com/inspect/{number}",
                "meta": {"githubCommitSha": sha, "githubCommitRef": branch},
            }  # fmt: skip
            if error:
                one |= {"errorCode": "BUILD_FAILED", "errorMessage": error}
            self._deployments.append(one)
            self._events[one["uid"]] = []
            return str(one["uid"])

    def become(self, number: str, state: str) -> None:
        """Change a deployment's state."""
        with self.lock:
            self._one(number).update(state=state, readyState=state)

    def log(self, number: str, text: str, *, kind: str = "stdout", old: bool = False) -> None:
        """Add a line to a build's log, in the newer or the older of Vercel's two forms."""
        with self.lock:
            events = self._events[number]
            at = BORN + len(events)
            info = {"type": "build", "name": "bld_1"}
            inner = {
                "deploymentId": number, "info": info, "text": text, "id": f"e{at}", "date": at,
                "serial": str(at), "created": at,
            }  # fmt: skip
            events.append(
                {"type": kind, "created": at, "payload": inner} if old else {"type": kind, **inner}
            )

    def handle(self, request: StandinRequest) -> Answer:
        """Answer as Vercel does."""
        if not request.authorized:
            said = {"code": "forbidden", "message": "Not authorized", "invalidToken": True}
            return Answer(403, {"error": said})
        with self.lock:
            match request.segments:
                case ("v2", "user"):
                    return Answer(200, {"user": _user()})
                case ("v6", "deployments"):
                    return self._scoped(request) or self._list(request)
                case ("v13", "deployments", which):
                    return self._scoped(request) or self._get(which)
                case ("v3", "deployments", which, "events"):
                    return self._scoped(request) or self._read(which, request)
                case _:
                    return _no(404, "not_found", "The page could not be found.")

    def _scoped(self, request: StandinRequest) -> Answer | None:
        given = request.first("teamId") or request.first("slug")
        if given == self.team:
            return None
        return _no(403, "forbidden", "You don't have permission to access this team.")

    def _list(self, request: StandinRequest) -> Answer:
        found = [
            one for one in reversed(self._deployments)
            if request.first("projectId") in ("", one["name"], one["projectId"])
            and request.first("sha") in ("", one["meta"]["githubCommitSha"])
            and request.first("branch") in ("", one["meta"]["githubCommitRef"])
            and request.first("target") in ("", one["target"] or "preview")
            and (not request.first("state") or one["state"] in request.first("state").split(","))
            and (not request.first("until") or one["created"] < int(request.first("until")))
        ]  # fmt: skip
        page = found[: int(request.first("limit", "20"))]
        more = len(found) > len(page)
        pagination = {
            "count": len(page), "next": page[-1]["created"] if more else None,
            "prev": page[0]["created"] if page else None,
        }  # fmt: skip
        return Answer(200, {"pagination": pagination, "deployments": page})

    def _get(self, which: str) -> Answer:
        try:
            one = self._one(which)
        except KeyError:
            return _no(404, "not_found", "The deployment could not be found.")
        at = one["created"]
        public: dict[str, Any] = {
            **one, "id": one["uid"], "status": one["state"], "alias": [], "aliasAssigned": True,
            "bootedAt": at, "buildingAt": at, "buildSkipped": False, "public": False,
            "regions": ["fra1"], "version": 2, "creator": {"uid": "u1", "username": "sam"},
        }  # fmt: skip
        if public["target"] is None:
            del public["target"]
        return Answer(200, public)

    def _read(self, which: str, request: StandinRequest) -> Answer:
        try:
            events = self._events[str(self._one(which)["uid"])]
        except KeyError:
            return _no(404, "not_found", "The deployment could not be found.")
        back = request.first("direction") == "backward"
        ordered = [*reversed(events)] if back else events
        return Answer(200, ordered[: int(request.first("limit", "100"))])

    def _one(self, which: str) -> dict[str, Any]:
        for one in self._deployments:
            if which in (one["uid"], one["url"]):
                return one
        raise KeyError(which)


def _no(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message}})


def _user() -> dict[str, Any]:
    return {
        "id": "u1", "email": "sam@example.com", "name": "Sam", "username": "sam", "avatar": None,
        "defaultTeamId": None, "limited": True,
    }  # fmt: skip
