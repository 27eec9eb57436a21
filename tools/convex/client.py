"""The functions of a Convex deployment, by HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from neveridle.errors import ModelMistake, SettingsInvalid
from neveridle.tools.convex.failures import convex_error
from neveridle.tools.convex.models import ConvexResult
from neveridle.tools.services.http import ServiceHttp
from neveridle.tools.services.parsed import answered_json, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neveridle.settings.services import ConvexSettings
    from neveridle.tools.services.kit import ServiceKit

Kind = Literal["query", "mutation", "action"]


class Convex:
    """Calls functions. Made by ``connect``; belongs to one event loop.

    Args:
        http: HTTP to the deployment.
        deploy_key: whether a deploy key goes with every call.
    """

    def __init__(self, http: ServiceHttp, *, deploy_key: bool = False) -> None:
        self._http = http
        self._deploy_key = deploy_key

    @classmethod
    def connect(cls, settings: ConvexSettings, kit: ServiceKit) -> Convex:
        """A client as the settings say; no connection is made before the first call.

        Raises:
            SettingsInvalid: no deployment is set.
        """
        if not settings.url:
            msg = "url in [services.convex] is empty."
            raise SettingsInvalid(msg, remedy="Set it to the deployment, https://….convex.cloud.")
        token = kit.token(settings)
        user = token.startswith("Bearer ")  # of a user, from the deployment's auth provider
        headers = {"Authorization": token if user else f"Convex {token}"} if token else {}
        http = ServiceHttp(
            kit.guard(settings), settings.url, headers=headers, timeout=settings.timeout,
            classify=convex_error,
            transport=kit.transport_of(settings.name),
        )  # fmt: skip
        return cls(http, deploy_key=bool(token) and not user)

    async def aclose(self) -> None:
        """Close all connections; may be called twice."""
        await self._http.aclose()

    async def query(self, path: str, args: Mapping[str, Any] | None = None) -> ConvexResult:
        """Call a query, which reads, and is repeated where that helps.

        Args:
            path: the function, such as ``messages:list``.
            args: its arguments, as plain JSON.

        Raises:
            RequestRefused: it failed; ``data`` is that of its ``ConvexError``.
            ServiceError, AccessRefused: see ``ServiceHttp.request``.
        """
        return await self.call("query", path, args, repeatable=True)

    async def mutation(self, path: str, args: Mapping[str, Any] | None = None) -> ConvexResult:
        """Call a mutation: a transaction, which is done whole or, where it failed, not at all."""
        return await self.call("mutation", path, args)

    async def action(self, path: str, args: Mapping[str, Any] | None = None) -> ConvexResult:
        """Call an action: what it did before it failed stays done."""
        return await self.call("action", path, args)

    async def call(
        self, kind: Kind, path: str, args: Mapping[str, Any] | None = None, *,
        repeatable: bool = False,
    ) -> ConvexResult:  # fmt: skip
        """Call a function.

        Args:
            kind: query, mutation or action.
            path: the function.
            args: its arguments.
            repeatable: whether it may be called again where the answer was lost.
        """
        if not path.strip():
            raise ModelMistake("A function needs a name.", remedy="Give it as module:function.")
        body = {"path": path, "args": dict(args or {}), "format": "json"}
        response = await self._http.request(
            "POST", f"/api/{kind}", body=body, repeatable=repeatable
        )
        return parsed("convex", ConvexResult, answered_json("convex", response.text))

    async def reach(self) -> str:
        """The deployment's answer to a cheap question, asked with the deploy key if there is one.

        Returns:
            What it is, in words.
        """
        if not self._deploy_key:  # a user's token is only looked at by functions
            version = (await self._http.request("GET", "/version")).text.strip()
            return f"version {version[:40]}"
        response = await self._http.request("GET", "/api/v1/deployment_info")
        answered_json("convex", response.text)
        return "the deploy key is accepted"
