"""A stand-in for a Convex deployment: functions in Python, called by HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from neveridle.tools.standin.exchange import Answer, StandinRequest
from neveridle.tools.standin.http import HttpStandin

Function = Callable[[dict[str, Any]], Any]
KINDS: Final = ("query", "mutation", "action")


class ConvexStandinError(Exception):
    """What a function raises in place of a ``ConvexError``.

    Args:
        data: the data of the error, as plain JSON.
    """

    def __init__(self, data: Any) -> None:
        super().__init__("ConvexError")
        self.data = data


class ConvexStandin(HttpStandin):
    """A deployment on loopback. Use as ``with ConvexStandin(token="key") as convex``.

    It comes with the functions ``messages:list`` (query), ``messages:send`` and
    ``messages:sendOnce`` (mutations, the second with a ``requestId``) and ``reports:build``
    (action); ``add`` adds others.

    Args:
        token: the deploy key; empty: none is needed.
        failed: the status of a function that failed: 200, or 560 as some deployments have it.

    Attributes:
        rows: what was sent.
    """

    def __init__(self, *, token: str = "", failed: int = 200) -> None:
        super().__init__(token=token)
        self.failed = failed
        self.rows: list[dict[str, Any]] = []
        self._functions: dict[tuple[str, str], Function] = {}
        self.add("query", "messages:list", self._list)
        self.add("mutation", "messages:send", self._send)
        self.add("mutation", "messages:sendOnce", self._send_once)
        self.add("action", "reports:build", lambda args: {"rows": len(self.rows), **args})

    def add(self, kind: str, path: str, function: Function) -> None:
        """Make a function known."""
        self._functions[kind, path] = function

    def handle(self, request: StandinRequest) -> Answer:
        """Answer as Convex does."""
        if request.credentials and not request.authorized:
            said = "The provided admin key was invalid for this instance"
            return Answer(401, {"code": "BadAdminKey", "message": said})
        match request.segments:
            case ("version",):
                return Answer(200, None, {"Content-Type": "text/plain"}, b"unknown")
            case ("api", "v1", "deployment_info"):
                return self._info(request)
            case ("api", kind) if kind in KINDS:
                return self._call(kind, request)
            case _:
                return Answer(404, {"code": "NotFound", "message": "There is no such route."})

    def _info(self, request: StandinRequest) -> Answer:
        if not request.credentials:
            said = "The provided deploy key was invalid for deployment 'happy-animal-123'."
            return Answer(403, {"code": "BadDeployKey", "message": said})
        return Answer(200, {
            "kind": "cloud", "deploymentType": "dev", "id": 1, "teamId": 1, "projectId": 1,
        })  # fmt: skip

    def _call(self, kind: str, request: StandinRequest) -> Answer:
        try:
            asked: Any = request.json
            path, args = str(asked["path"]), cast("dict[str, Any]", asked["args"])
        except (ValueError, KeyError, TypeError):
            return Answer(400, {"code": "BadJsonBody", "message": "Your request is no good."})
        function = self._functions.get((kind, path))
        if function is None:
            return self._no(f"Could not find public function for '{path}'.", None)
        try:
            value = function(args)
        except ConvexStandinError as error:
            return self._no("Uncaught ConvexError", error.data)
        except (KeyError, TypeError, ValueError) as error:
            return self._no(f"ArgumentValidationError: {error}", None)
        return Answer(200, {"status": "success", "value": value, "logLines": [f"{path} called"]})

    def _no(self, words: str, data: Any) -> Answer:
        said: dict[str, Any] = {
            "status": "error",
            "errorMessage": f"[Request ID: 1] {words}",
            "logLines": [],
        }
        return Answer(self.failed, said if data is None else {**said, "errorData": data})

    def _list(self, args: dict[str, Any]) -> Any:
        del args
        return list(self.rows)

    def _send(self, args: dict[str, Any]) -> Any:
        if not args["text"]:
            raise ConvexStandinError({"code": "EMPTY", "field": "text"})
        self.rows.append(dict(args))
        return len(self.rows)

    def _send_once(self, args: dict[str, Any]) -> Any:
        for place, row in enumerate(self.rows):
            if row.get("requestId") == args["requestId"]:
                return place + 1
        return self._send(args)
