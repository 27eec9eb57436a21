"""The base of all stand-ins, asked over real sockets: each fault is what it says it is."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Generator
from typing import Any

import httpx
import pytest

from neveridle.tools.standin.http import Answer, HttpFault, HttpStandin, StandinRequest

START = 1_700_000_000.0


class Counter(HttpStandin):
    """Counts what was really done."""

    def __init__(self) -> None:
        super().__init__(token="secret", now=lambda: START)
        self.done = 0

    def handle(self, request: StandinRequest) -> Answer:
        self.done += 1
        if not request.authorized:
            return Answer(401, {"message": "who?"})
        return Answer(200, {"done": self.done}, {"X-Kind": "thing"})


@pytest.fixture
def service() -> Generator[Counter]:
    with Counter() as one:
        yield one


@pytest.fixture
def client(service: Counter) -> Generator[httpx.Client]:
    with httpx.Client(base_url=service.url, headers={"Authorization": "Bearer secret"}) as one:
        yield one


def test_what_was_asked_is_kept_and_no_secret(service: Counter, client: httpx.Client) -> None:
    answer = client.post("/a/b%2Fc?x=1&x=2", json={"n": 1}, headers={"X-One": "1"})
    assert (answer.json(), answer.headers["x-kind"]) == ({"done": 1}, "thing")
    assert answer.headers["date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    (asked,) = service.requests
    assert (str(asked), asked.segments) == ("POST /a/b%2Fc", ("a", "b/c"))
    assert (asked.query, asked.json, asked.time) == ({"x": ("1", "2")}, {"n": 1}, START)
    assert (asked.headers["x-one"], asked.credentials, asked.authorized) == ("1", True, True)
    assert "secret" not in repr(service.exchanges)
    assert httpx.post(f"{service.url}/").status_code == 401
    assert not service.requests[-1].credentials


@pytest.mark.parametrize(
    ("fault", "status", "done"),
    [
        (HttpFault("status", status=429, headers={"Retry-After": "5"}), 429, 0),
        (HttpFault("status", status=502, done=True), 502, 1),
        (HttpFault("timeout", seconds=0.01), 200, 1),
        (HttpFault("slow_body", seconds=0.001), 200, 1),
        (HttpFault("redirect", location="/there", status=307), 307, 0),
    ],
)
def test_faults_with_an_answer(
    service: Counter, client: httpx.Client, fault: HttpFault, status: int, done: int
) -> None:
    service.faults.append(fault)
    answer = client.get("/x")
    assert (answer.status_code, service.done) == (status, done)
    assert answer.headers.get("retry-after") == fault.headers.get("Retry-After")
    assert answer.headers.get("location", "") == fault.location
    assert client.get("/x").json() == {"done": done + 1}


@pytest.mark.parametrize(
    ("fault", "error", "done"),
    [
        (HttpFault("cut"), httpx.RemoteProtocolError, 0),
        (HttpFault("cut", done=True), httpx.RemoteProtocolError, 1),
        (HttpFault("truncated"), httpx.RemoteProtocolError, 1),
        (HttpFault("timeout", seconds=60), httpx.ReadTimeout, 1),
        (HttpFault("slow_body", seconds=60), httpx.ReadTimeout, 1),
        (HttpFault("malformed"), ValueError, 1),
    ],
)
def test_faults_without_one(
    service: Counter, client: httpx.Client, fault: HttpFault, error: Any, done: int
) -> None:
    service.faults.append(fault)
    with pytest.raises(error):
        client.get("/x", timeout=0.3 if error is httpx.ReadTimeout else 60).json()
    while not service.exchanges:  # a slow machine may come to it after its client gave up
        time.sleep(0.01)
    assert service.done == done
    assert client.get("/x").status_code == 200


def test_a_fault_waits_for_a_request_it_fits(service: Counter, client: httpx.Client) -> None:
    service.faults.append(HttpFault("status", on="POST /a*", status=500, times=2))
    asked = ["GET /a", "POST /b", "POST /ab", "POST /a", "POST /a"]
    assert [client.request(*one.split()).status_code for one in asked] == [200, 200, 500, 500, 200]
    assert [one.fault for one in service.exchanges] == ["", "", "status", "status", ""]
    assert [one.answer is None for one in service.exchanges] == [False, False, True, True, False]


async def test_an_answer_is_held_until_let_go(service: Counter) -> None:
    service.faults.append(HttpFault("hold"))
    async with httpx.AsyncClient(base_url=service.url) as client:
        first = asyncio.ensure_future(client.get("/held"))
        await asyncio.to_thread(service.wait_held)
        assert (service.done, first.done()) == (1, False)
        assert (await client.get("/other")).status_code == 401  # nobody else is kept waiting
        service.let_go()
        assert (await first).status_code == 401


def test_closing_ends_what_is_held_and_all_connections(service: Counter) -> None:
    service.faults.append(HttpFault("hold"))
    ended = threading.Event()

    def ask() -> None:
        with contextlib.suppress(httpx.HTTPError):  # cut, or answered: both end it
            httpx.get(f"{service.url}/held", timeout=60)
        ended.set()

    thread = threading.Thread(target=ask)
    thread.start()
    service.wait_held()
    service.close()
    assert ended.wait(60)
    thread.join()
    with pytest.raises(httpx.ConnectError):
        httpx.get(service.url)


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="slow_body"):
        HttpFault("slow")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # the point
