"""Answers that trickle, break off, are too large or no JSON, over real sockets."""

from __future__ import annotations

import gzip
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.board.breaker import BreakerState
from neveridle.errors import RequestRefused, ServiceError
from neveridle.settings.services import GitHubSettings
from neveridle.tools.services import ServiceHttp, ServiceKit, body

Write = Callable[[bytes], object]
JSON = "Content-Type: application/json\r\n"


class Service:
    """Writes what it is told, byte by byte, in answer to a path.

    Attributes:
        pages: by path, what is written.
        asked: the paths that were asked for.
        over: set at the end of the test.
    """

    def __init__(self) -> None:
        self.pages: dict[str, Callable[[Write], object]] = {}
        self.asked: list[str] = []
        self.over = threading.Event()
        self.url = ""

    def says(self, path: str, head: str, content: bytes = b"", length: int | None = None) -> None:
        size = len(content) if length is None else length
        data = (
            f"HTTP/1.1 {head}Connection: close\r\nContent-Length: {size}\r\n\r\n".encode() + content
        )
        self.pages[path] = lambda write: write(data)


@pytest.fixture
def service() -> Generator[Service]:
    one = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            one.asked.append(self.path)
            # What is not read would be answered with a reset, which may overtake the answer.
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.close_connection = True
            try:
                one.pages[self.path](self.wfile.write)
            except OSError:
                return  # the client has had enough

        do_POST = do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    one.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield one
    one.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
async def http(tmp_path: Path, service: Service) -> AsyncGenerator[ServiceHttp]:
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as board:
        settings = GitHubSettings(url=service.url, attempts=1)
        guard = ServiceKit(board.breakers, board.clock, {"GITHUB_TOKEN": "t"}).guard(settings)
        one = ServiceHttp(guard, service.url, headers={}, timeout=5.0)
        yield one
        await one.aclose()


async def test_a_body_that_trickles_for_ever_is_left(tmp_path: Path, service: Service) -> None:
    def trickle(write: Write) -> None:
        write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not service.over.wait(0.02):  # no step of it takes long
            write(b"x")

    service.pages["/slow"] = trickle
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as board:
        settings = GitHubSettings(url=service.url, attempts=1, breaker_threshold=1)
        guard = ServiceKit(board.breakers, board.clock, {}).guard(settings)
        http = ServiceHttp(guard, service.url, headers={}, timeout=0.3)
        with pytest.raises(ServiceError, match=r"to the end within 0\.6 s"):
            await http.request("GET", "/slow")
        await http.aclose()
        assert (await board.breakers.get("github")).state is BreakerState.OPEN


@pytest.mark.parametrize("packed", [False, True])
async def test_a_body_that_is_too_large_is_left(
    http: ServiceHttp, service: Service, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    content, head = b" " * 3_000_000, "200 OK\r\n"
    if packed:  # small on the way
        content, head = gzip.compress(content), f"{head}Content-Encoding: gzip\r\n"
    service.says("/large", head, content)
    assert len((await http.request("GET", "/large")).content) == 3_000_000
    monkeypatch.setattr(body, "LARGEST", 2_000_000)
    monkeypatch.setattr(body.whole, "__defaults__", (2_000_000,))
    with pytest.raises(ServiceError, match="more than"):
        await http.request("GET", "/large")


@pytest.mark.parametrize(
    ("head", "content", "more"),
    [
        (f"200 OK\r\n{JSON}", b'{"a": ', 0),
        (f"200 OK\r\n{JSON}", b"[" * 200_000, 0),
        (f"200 OK\r\n{JSON}", b"\xff\xfe", 0),
        (f"200 OK\r\n{JSON}", b'{"a": 1}', 100),
        ("200 OK\r\nContent-Encoding: gzip\r\n", b"no gzip", 0),
        ("200\r\nno header\r\n", b"", 0),
        ("what\r\n", b"", 0),
    ],
    ids=["cut", "deep", "no text", "truncated", "no gzip", "no header", "no status"],
)
async def test_what_cannot_be_read_is_the_services_failure(
    http: ServiceHttp, service: Service, head: str, content: bytes, more: int
) -> None:
    service.says("/odd", head, content, len(content) + more)
    with pytest.raises(ServiceError) as error:
        await http.request("GET", "/odd")
    assert type(error.value) is ServiceError  # whether it was done is not known
    assert service.asked == ["/odd"]


async def test_a_connection_that_is_cut_is_the_services_failure(
    http: ServiceHttp, service: Service
) -> None:
    service.pages["/cut"] = lambda _: None
    with pytest.raises(ServiceError):
        await http.request("GET", "/cut")


async def test_an_answer_without_a_body_is_no_broken_json(
    http: ServiceHttp, service: Service
) -> None:
    service.says("/none", f"200 OK\r\n{JSON}")
    assert (await http.request("GET", "/none")).content == b""
    service.says("/head", f"200 OK\r\n{JSON}", length=10)
    assert (await http.request("HEAD", "/head")).status_code == 200
    service.says("/same", f"304 Not Modified\r\n{JSON}")
    assert (await http.request("GET", "/same")).status_code == 304


async def test_redirects_are_followed_so_far_and_keep_their_method(
    http: ServiceHttp, service: Service
) -> None:
    service.says("/a", "302 Found\r\nLocation: /b\r\n")
    service.says("/b", "307 Temporary\r\nLocation: /c\r\n")
    service.says("/c", f"200 OK\r\n{JSON}", b'{"at": "c"}')
    answer: Any = (await http.request("GET", "/a")).json()
    assert (answer, service.asked) == ({"at": "c"}, ["/a", "/b", "/c"])
    with pytest.raises(RequestRefused, match="302"):
        await http.request("POST", "/a", body={})
    assert (await http.request("POST", "/b", body={})).json() == {"at": "c"}
    service.asked.clear()
    service.says("/loop", "302 Found\r\nLocation: /loop\r\n")
    with pytest.raises(RequestRefused, match="302"):
        await http.request("GET", "/loop")
    assert len(service.asked) == 6
