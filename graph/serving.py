"""What listens to webhooks: it has the tracker, or a pull request, looked at sooner."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from neveridle.board import Board, Source
from neveridle.errors import NeveridleError, ServiceError
from neveridle.tools.services.signatures import Deliveries

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    from neveridle.settings import Settings

BODY: Final = 5 * 1024 * 1024
"""Bytes that a webhook may have."""


def webhook_app(
    board: Board, settings: Settings, environ: Mapping[str, str] | None = None
) -> FastAPI:
    """An ASGI app with ``POST /webhooks/linear``, ``POST /webhooks/github``, ``GET /health``.

    401: not signed with our secret, or too old. 413: too large. 202: taken: whoever of the
    team syncs next looks at once, and so does the task of a pull request that it is about;
    one that came before changes nothing.

    Args:
        board: an open board.
        settings: which environment variables hold the secrets. A service that is not
            configured takes no webhook (404).
        environ: the environment; None: this process's.
    """
    from fastapi import FastAPI

    given = os.environ if environ is None else environ
    app = FastAPI(title="neveridle", docs_url=None, redoc_url=None, openapi_url=None)
    hooks = _Hooks(board, settings, given)
    app.add_route("/webhooks/linear", hooks.linear, methods=["POST"])
    app.add_route("/webhooks/github", hooks.github, methods=["POST"])
    app.add_route("/health", hooks.health, methods=["GET"])
    return app


class _Hooks:
    def __init__(self, board: Board, settings: Settings, environ: Mapping[str, str]) -> None:
        self._board = board
        self._services = settings.services
        self._environ = environ
        self._deliveries = Deliveries()

    async def health(self, request: Request) -> Response:
        try:
            version = await self._board.version()
        except NeveridleError as error:
            return _said(503, {"status": "the board cannot be read", "code": error.code})
        return _said(200, {"status": "ok", "version": version})

    async def linear(self, request: Request) -> Response:
        from neveridle.tools.linear.webhook import SIGNATURE, verified

        settings = self._services.linear
        if settings is None or not settings.enabled:
            return _said(404, {"error": "Linear is not configured."})
        body = await _body(request)
        if body is None:
            return _said(413, {"error": f"At most {BODY} bytes."})
        secret = self._environ.get(settings.webhook_secret_env, "")
        now = await self._board.clock.now()
        if verified(secret, body, request.headers, now) is None:
            return _said(401, {"error": "Not signed with our secret, or too old."})
        return await self._taken(f"linear {request.headers[SIGNATURE]}")

    async def github(self, request: Request) -> Response:
        from neveridle.tools.github.webhooks import SIGNATURE, verify

        settings = self._services.github
        if settings is None or not settings.enabled:
            return _said(404, {"error": "GitHub is not configured."})
        body = await _body(request)
        if body is None:
            return _said(413, {"error": f"At most {BODY} bytes."})
        secret = self._environ.get(settings.webhook_secret_env, "")
        signature = request.headers.get(SIGNATURE, "")
        if not verify(secret, body, signature):
            return _said(401, {"error": "Not signed with our secret."})
        await self._delivery(secret, body, request.headers)
        return await self._taken(f"github {signature}")

    async def _delivery(self, secret: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Have the pull request looked at that it is about, if it is one of ours."""
        from neveridle.graph.delivery.waking import wake_delivery
        from neveridle.tools.github.webhooks import verified

        try:
            event = verified(secret, body, headers)
        except ServiceError:  # signed, but nothing that is known here
            return
        if event is not None:
            await wake_delivery(self._board, number=event.number, commit=event.sha)

    async def _taken(self, delivery: str) -> Response:
        again = self._deliveries.again(delivery)
        if not again:
            await self._board.syncs.nudge(str(Source.BACKLOG))
        return _said(202, {"again": again})


async def _body(request: Request) -> bytes | None:
    """The body; None: it is too large, and the rest of it was not read."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > BODY:
            return None
    return bytes(found)


def _said(status: int, content: dict[str, Any]) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse(content, status_code=status)
