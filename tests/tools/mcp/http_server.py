"""An MCP server that speaks HTTP, and wants a token; the first argument is ``mcp`` or ``sse``."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from mcp.server.fastmcp import FastMCP

server = FastMCP("http", stateless_http=True)


@server.tool()
def double(number: int) -> int:
    """Twice a number."""
    return 2 * number


def main() -> None:
    inner: Any = server.sse_app() if sys.argv[1] == "sse" else server.streamable_http_app()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers", ()))
        if scope["type"] == "http" and headers.get(b"authorization") != b"Bearer m-token":
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b"no"})
            return
        await inner(scope, receive, send)

    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="info")
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
