"""The base of all stand-ins: a real HTTP server on loopback with faults by plan.

::

    class Service(HttpStandin):
        def handle(self, request: StandinRequest) -> Answer:
            return Answer(200, {"path": request.path})

    with Service(token="t") as service:
        service.faults.append(HttpFault("status", status=429, headers={"Retry-After": "5"}))
        service.faults.append(HttpFault("cut", on="POST /things", done=True))
        ...  # ask service.url
        assert [str(one) for one in service.requests] == ["POST /things"]
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from neveridle.tools.standin.exchange import SECRET_HEADERS, Answer, Exchange, StandinRequest
from neveridle.tools.standin.http_fault import HttpFault

__all__ = ["Answer", "Exchange", "HttpFault", "HttpStandin", "StandinRequest"]

LONGEST: Final = 16 * 1024 * 1024
"""Bytes of a request's body at most."""
KEPT: Final = 100_000
"""Exchanges that are remembered."""


class HttpStandin:
    """A service on 127.0.0.1, each connection in a thread. Use as ``with HttpStandin() as one``.

    No socket is opened before it is entered, or ``url`` is asked for.

    A subclass gives ``handle``, which is never called by two threads at once.

    Args:
        token: what requests must hold in a header of credentials to be ``authorized``;
            empty: all are. Refusing those that are not is up to ``handle``.
        now: seconds since 1970, for the ``Date`` of answers and the time of requests.

    Attributes:
        faults: what is still to go wrong; the first that fits a request is used up by it.
    """

    def __init__(self, *, token: str = "", now: Callable[[], float] = time.time) -> None:
        self.token = token
        self.now = now
        self.faults: list[HttpFault] = []
        self.lock = threading.RLock()
        self._exchanges: deque[Exchange] = deque(maxlen=KEPT)
        self._came: deque[StandinRequest] = deque(maxlen=KEPT)
        self._number = 0
        self._holding = threading.Condition(self.lock)
        self._held: set[int] = set()
        self._released = 0
        self._closing = threading.Event()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._url = ""

    # What a subclass gives.

    def handle(self, request: StandinRequest) -> Answer:
        """Do the work; the answer."""
        raise NotImplementedError

    def name(self, request: StandinRequest) -> str:
        """What a fault's ``on`` is compared with."""
        return f"{request.method} {request.path}"

    # What a test asks.

    @property
    def requests(self) -> tuple[StandinRequest, ...]:
        """All requests that came, the oldest first."""
        with self.lock:
            return tuple(self._came)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All requests with their answers, as far as they were worked on."""
        with self.lock:
            return tuple(self._exchanges)

    def forget(self) -> None:
        """Forget the requests that came so far."""
        with self.lock:
            self._came.clear()
            self._exchanges.clear()

    def wait_held(self, count: int = 1, *, seconds: float = 60.0) -> None:
        """Wait, in a thread, until so many answers are held.

        Raises:
            TimeoutError: it took longer.
        """
        with self._holding:
            if not self._holding.wait_for(lambda: len(self._held) >= count, seconds):
                msg = f"{len(self._held)} of {count} answers were held after {seconds} s"
                raise TimeoutError(msg)

    def let_go(self) -> None:
        """Send all answers that are held now."""
        with self._holding:
            self._released = self._number
            self._holding.notify_all()

    # Its life.

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end; it listens there from now on."""
        if not self._url:
            self._url = f"http://127.0.0.1:{self._listening().server_port}"
        return self._url

    @property
    def listens(self) -> bool:
        """Whether a socket is open."""
        return self._server is not None

    def stand_at(self, url: str) -> None:
        """Take this for its address: it is asked without a socket, see ``StandinTransport``."""
        self._url = url.rstrip("/")

    def _listening(self) -> _Server:
        if self._server is None:
            standin = self

            class Handler(_Handler):
                pass

            Handler.standin = standin
            self._server = _Server(("127.0.0.1", 0), Handler)
        return self._server

    def __enter__(self) -> Any:
        self._thread = threading.Thread(
            target=self._listening().serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections and stop listening."""
        self._closing.set()
        with self._holding:
            self._holding.notify_all()
        if self._server is not None:
            if self._thread is not None and self._thread.is_alive():
                self._server.shutdown()
                self._thread.join()
            self._server.server_close()
        with self.lock:
            left = dict(self._open)
        for connection in left.values():
            with contextlib.suppress(OSError):  # its peer closed it a moment earlier
                connection.shutdown(socket.SHUT_RDWR)
        for thread in left:
            thread.join(10)

    # What the handler calls.

    def opened(self, connection: socket.socket) -> None:
        """Note a connection, so that it can be closed."""
        with self.lock:
            self._open[threading.current_thread()] = connection

    def closed(self) -> None:
        """Forget this thread's connection."""
        with self.lock:
            self._open.pop(threading.current_thread(), None)

    def came(
        self, method: str, target: str, headers: Mapping[str, str], data: bytes
    ) -> tuple[StandinRequest, HttpFault | None]:
        """Note a request; what is to go wrong with it."""
        split = urlsplit(target)
        query: dict[str, tuple[str, ...]] = {}
        for name, value in parse_qsl(split.query, keep_blank_values=True):
            query[name] = (*query.get(name, ()), value)
        given = {key.lower(): value for key, value in headers.items()}
        secrets = [given.pop(name) for name in sorted(given.keys() & SECRET_HEADERS)]
        with self.lock:
            self._number += 1
            request = StandinRequest(
                number=self._number,
                method=method,
                path=split.path,
                query=query,
                headers=given,
                data=data,
                time=self.now(),
                credentials=bool(secrets),
                authorized=not self.token or any(self.token in one.split() for one in secrets),
            )
            self._came.append(request)
            return request, self._fault(self.name(request))

    def _fault(self, name: str) -> HttpFault | None:
        for place, fault in enumerate(self.faults):
            if fault.fits(name):
                if fault.times > 1:
                    self.faults[place] = replace(fault, times=fault.times - 1)
                else:
                    del self.faults[place]
                return fault
        return None

    def work(self, request: StandinRequest, fault: HttpFault | None) -> Answer | None:
        """Have the work done, unless the fault keeps it from being done."""
        with self.lock:
            answer = self.handle(request) if fault is None or fault.works else None
            self._exchanges.append(Exchange(request, answer, "" if fault is None else fault.kind))
            return answer

    def hold(self, number: int) -> None:
        """Wait until held answers may go."""
        with self._holding:
            self._held.add(number)
            self._holding.notify_all()
            self._holding.wait_for(lambda: self._released >= number or self._closing.is_set())
            self._held.discard(number)

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than the stand-in lives."""
        self._closing.wait(seconds)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that their client dropped; of all else, as usual."""
        import sys

        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    standin: HttpStandin
    protocol_version = "HTTP/1.1"  # connections are kept, as real services do
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.standin.opened(self.connection)

    def finish(self) -> None:
        self.standin.closed()
        super().finish()

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LONGEST or "Transfer-Encoding" in self.headers:
            self._send(Answer(413, {"message": "The body is too large, or of unknown length."}))
            return
        data = self.rfile.read(length)
        request, fault = self.standin.came(
            self.command, self.path, dict(self.headers.items()), data
        )
        answer = self.standin.work(request, fault)
        if fault is None:
            self._send(answer or Answer(500))
        else:
            self._spoil(request.number, fault, answer or Answer(500))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _spoil(self, number: int, fault: HttpFault, answer: Answer) -> None:
        match fault.kind:
            case "status":
                status = fault.status or 500
                said = {"message": f"status {status}"} if fault.said is None else fault.said
                self._send(Answer(status, said, fault.headers))
            case "redirect":
                headers = {"Location": fault.location, **fault.headers}
                self._send(Answer(fault.status or 302, None, headers))
            case "cut":
                self._cut()
            case "timeout":
                self.standin.pause(fault.seconds)
                self._send(answer)
            case "hold":
                self.standin.hold(number)
                self._send(answer)
            case "malformed":
                broken = (answer.body or b"{}")[:-1] + b",,"
                self._send(Answer(200, None, answer.headers, broken))
            case "truncated":
                self._send(answer, cut=True)
            case "slow_body":
                self._send(answer, apart=fault.seconds)

    def _send(self, answer: Answer, *, cut: bool = False, apart: float = 0.0) -> None:
        body = b"" if self.command == "HEAD" else answer.body
        given = {
            "Date": formatdate(self.standin.now(), usegmt=True),
            "Content-Length": str(len(body)),
        }
        if answer.body:
            given["Content-Type"] = "application/json; charset=utf-8"
        lower = {name.lower(): name for name in given}
        for name, value in answer.headers.items():
            given.pop(lower.get(name.lower(), name), None)
            given[name] = value
        if cut:  # more is promised than comes
            given["Content-Length"] = str(len(body) + 64)
        phrase = responses.get(answer.status, "")
        lines = [f"HTTP/1.1 {answer.status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in given.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        with contextlib.suppress(OSError):  # whoever asked is gone
            if not apart:
                self.wfile.write(head + (body[: len(body) // 2] if cut else body))
            else:
                self.wfile.write(head)
                for place in range(len(body)):
                    self.standin.pause(apart)
                    self.wfile.write(body[place : place + 1])
        if cut:
            self._cut()

    def _cut(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):  # its peer closed it a moment earlier
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the stand-in has all requests."""
