"""The stand-in's HTTP server, on this machine only."""

from __future__ import annotations

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from neveridle.tools.standin.fault import Fault
from neveridle.tools.standin.store import StandinStore

LOOK = 0.005
"""Seconds between two looks at whether a held answer may go."""


class StandinServer:
    """Serves a store in a thread. Use as ``with StandinServer(path) as server``.

    Args:
        path: the store's file.
        port: where to listen on 127.0.0.1; 0: wherever there is room.

    Attributes:
        store: what it holds.
        url: where it is.
    """

    def __init__(self, path: Path, *, port: int = 0) -> None:
        self.store = StandinStore(path)
        self._closing = threading.Event()
        store, closing = self.store, self._closing

        class Handler(_Handler):
            pass

        Handler.store, Handler.closing = store, closing
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> StandinServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self) -> None:
        """Serve until the process ends."""
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    store: StandinStore
    closing: threading.Event

    def do_POST(self) -> None:
        """``POST /objects``, with a target, a text and, optionally, a client key."""
        body = self._body()
        key = body.get("key")

        def work() -> tuple[int, Any]:
            made = self.store.create(body.get("target", ""), body.get("text", ""), key)
            if made is None:
                return 409, {"error": "exists", "object": self.store.objects(key=key)[0]}
            return 201, made

        self._handle("create", work)

    def do_PUT(self) -> None:
        """``PUT /states/TARGET``, with a value."""
        body = self._body()
        target = unquote(urlsplit(self.path).path.removeprefix("/states/"))
        self._handle("set", lambda: (200, self.store.set(target, body.get("value"))))

    def do_GET(self) -> None:
        """``GET /objects``, of a key or containing a marker."""
        asked = parse_qs(urlsplit(self.path).query)
        key, marker = asked.get("key", [None])[0], asked.get("marker", [None])[0]
        self._handle("find", lambda: (200, self.store.objects(key=key, marker=marker)))

    def do_DELETE(self) -> None:
        """``DELETE /objects/ID``."""
        identity = unquote(urlsplit(self.path).path.removeprefix("/objects/"))
        self._handle("delete", lambda: (200, {"deleted": self.store.delete(identity)}))

    def _handle(self, what: str, work: Any) -> None:
        request, fault = self.store.came(what)
        kind = None if fault is None else fault.kind
        fault = fault or Fault("delay")
        if kind == "drop_before":
            self._cut()
            return
        if kind in ("error_before", "refuse"):
            self._answer(fault.status, {"error": f"status {fault.status}"})
            return
        if kind == "delay":
            time.sleep(fault.seconds)
        status, said = work()
        if kind == "hold":
            while not (self.closing.is_set() or self.store.is_let_go(request)):
                time.sleep(LOOK)
        if kind == "drop_after":
            self._cut()
        elif kind == "error_after":
            self._answer(fault.status, {"error": f"status {fault.status}"})
        else:
            self._answer(status, said)

    def _body(self) -> dict[str, Any]:
        length = int(self.headers.get("Content-Length") or 0)
        body: dict[str, Any] = json.loads(self.rfile.read(length) or b"{}")
        return body

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(self, status: int, said: Any) -> None:
        data = json.dumps(said).encode()
        self.close_connection = True
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            return  # whoever asked is gone

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the store has all requests."""
