"""HTTP to a service that fails in several ways, over real sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncGenerator, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.board.breaker import BreakerState
from neveridle.errors import AccessRefused, RateLimited, RequestRefused, ServiceUnavailable
from neveridle.settings.services import GitHubSettings
from neveridle.tools.services import ServiceHttp, ServiceKit


class Service:
    """What it will answer, one after the other, and what it was asked; then 200s."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.asked: list[str] = []
        self.url = ""


@pytest.fixture
def service() -> Generator[Service]:
    one = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            one.asked.append(f"{self.command} {self.path}")
            status, headers = one.answers.pop(0) if one.answers else (200, {})
            data = json.dumps({"status": status}).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    one.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield one
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
async def board(tmp_path: Path) -> AsyncGenerator[Board]:
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as one:
        yield one


@pytest.fixture
async def http(board: Board, service: Service) -> AsyncGenerator[ServiceHttp]:
    settings = GitHubSettings(url=service.url, breaker_threshold=3)
    guard = ServiceKit(board.breakers, board.clock, {"GITHUB_TOKEN": "t"}).guard(settings)
    one = ServiceHttp(guard, service.url, headers={"Authorization": "Bearer t"})
    yield one
    await one.aclose()


async def turn(board: Board, work: Any, seconds: float = 1000.0) -> Any:
    """``work``'s result, with the board's scripted time running as fast as it can."""
    import asyncio

    job = asyncio.ensure_future(work)
    while not job.done():
        await asyncio.sleep(0.01)
        if not job.done() and seconds > 0:
            await board.clock.advance(1)
            seconds -= 1
    return await job


async def test_a_read_is_repeated_and_a_write_that_may_have_arrived_is_not(
    board: Board, service: Service, http: ServiceHttp
) -> None:
    await board.clock.script(1_000.0)
    service.answers = [(502, {})]
    got = await turn(board, http.request("GET", "/thing", params={"a": 1, "b": None}))
    assert (got.json(), service.asked) == ({"status": 200}, ["GET /thing?a=1"] * 2)
    service.answers, service.asked = [(502, {})], []
    with pytest.raises(Exception, match="502"):
        await turn(board, http.request("POST", "/thing", body={}))
    assert service.asked == ["POST /thing"]


async def test_a_limit_opens_the_breaker_until_its_time(
    board: Board, service: Service, http: ServiceHttp
) -> None:
    service.answers = [(429, {"Retry-After": "500"})]
    with pytest.raises(RateLimited):
        await http.request("GET", "/thing")
    with pytest.raises(ServiceUnavailable) as refused:
        await http.request("GET", "/thing")
    assert len(service.asked) == 1
    assert refused.value.wait is not None
    assert 400 < refused.value.wait <= 500
    assert (await board.breakers.get("github")).state is BreakerState.OPEN


async def test_rejected_credentials_hold_the_service_and_new_ones_try_again(
    board: Board, service: Service, http: ServiceHttp
) -> None:
    service.answers = [(401, {})]
    with pytest.raises(AccessRefused):
        await http.request("GET", "/thing")
    with pytest.raises(ServiceUnavailable, match="services reset github"):
        await http.request("GET", "/thing")
    assert len(service.asked) == 1
    settings = GitHubSettings(url=service.url)
    guard = ServiceKit(board.breakers, board.clock, {"GITHUB_TOKEN": "new"}).guard(settings)
    renewed = ServiceHttp(guard, service.url, headers={})
    await renewed.request("GET", "/thing")
    await renewed.aclose()
    assert (await board.breakers.get("github")).state is BreakerState.CLOSED


async def test_a_refusal_is_no_failure_of_the_service(
    board: Board, service: Service, http: ServiceHttp
) -> None:
    for _ in range(4):
        service.answers = [(404, {})]
        with pytest.raises(RequestRefused):
            await http.request("GET", "/thing")
    assert (await board.breakers.get("github")).state is BreakerState.CLOSED


async def test_failures_in_a_row_open_the_breaker_and_one_probe_closes_it(
    board: Board, service: Service, http: ServiceHttp
) -> None:
    await board.clock.script(1_000.0)
    service.answers = [(500, {})] * 3
    with pytest.raises(ServiceUnavailable):
        await turn(board, http.request("GET", "/thing"), seconds=20)
    assert len(service.asked) == 3
    await board.clock.advance(40)
    await http.request("GET", "/thing")
    assert (await board.breakers.get("github")).state is BreakerState.CLOSED
    said = [message.content for message in await board.messages.latest("dev")]
    assert ["called for 30 s" in said[0], "again" in said[1], len(said)] == [True, True, 2]


async def test_the_token_is_not_sent_to_another_host(service: Service, http: ServiceHttp) -> None:
    service.answers = [(302, {"Location": "http://localhost:1/elsewhere"})]
    with pytest.raises(RequestRefused, match="302"):
        await http.request("GET", "/thing")
    assert service.asked == ["GET /thing"]
