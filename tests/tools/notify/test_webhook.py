"""A webhook: posted as JSON with its key, quick to give up, and silent about its address."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import AsyncGenerator, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from neveridle.errors import ServiceError, SettingsInvalid
from neveridle.tools.notify import webhook
from neveridle.tools.notify.webhook import Webhook


class Pager:
    """What it got, and what it answers."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, Any]] = []
        self.status = 204
        self.headers: dict[str, str] = {}
        self.hangs = threading.Event()
        self.hangs.set()
        self.url = ""


@pytest.fixture
def pager() -> Generator[Pager]:
    one = Pager()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            one.got.append((self.path, self.headers["Idempotency-Key"], body))
            one.hangs.wait(60)
            self.send_response(one.status)
            for name, value in one.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        one.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield one
        one.hangs.set()
        server.shutdown()
        thread.join()


@pytest.fixture
async def hook(pager: Pager) -> AsyncGenerator[Webhook]:
    environ = {"PAGER_PATH": "hook-of-the-pager-1"}
    one = Webhook(f"{pager.url}/${{PAGER_PATH}}?a=1", setting="escalation.x", environ=environ)
    yield one
    await one.aclose()


async def test_a_notice_is_posted_with_its_key(
    pager: Pager, hook: Webhook, payload: dict[str, Any]
) -> None:
    await hook.send(payload, key="k1")
    await hook.send(payload, key="k1")
    assert pager.got == [("/hook-of-the-pager-1?a=1", "k1", payload)] * 2


@pytest.mark.parametrize("status", [301, 400, 401, 404, 500, 503])
async def test_what_is_no_success_is_an_error_without_the_address(
    pager: Pager, hook: Webhook, payload: dict[str, Any], status: int
) -> None:
    pager.status, pager.headers = status, {"Retry-After": "70", "Location": "/elsewhere"}
    with pytest.raises(ServiceError) as failed:
        await hook.send(payload, key="k1")
    assert str(failed.value) == f"127.0.0.1 answered {status}."
    assert failed.value.wait == 70
    assert len(pager.got) == 1, "no redirection is followed, and nothing is repeated here"


async def test_nothing_that_is_logged_or_raised_holds_the_address(
    pager: Pager, hook: Webhook, payload: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await hook.send(payload, key="k1")
    assert "hook-of-the-pager" not in caplog.text
    gone = Webhook("http://127.0.0.1:9/hook-of-the-pager-2", setting="escalation.x")
    with caplog.at_level(logging.DEBUG), pytest.raises(ServiceError) as failed:
        await gone.send(payload, key="k1")
    await gone.aclose()
    assert str(failed.value) == "127.0.0.1 could not be reached: ConnectError."
    assert failed.value.__suppress_context__


async def test_one_that_hangs_is_given_up(
    pager: Pager, hook: Webhook, payload: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "WHOLE", 0.2)
    pager.hangs.clear()
    with pytest.raises(ServiceError, match=r"did not answer within 0\.2 s"):
        await hook.send(payload, key="k1")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("https://x/${NOT_THERE}/${NOR_THIS}", "NOT_THERE, NOR_THIS, which is not set"),
        ("ftp://x/y", "no address"),
        ("x/y", "no address"),
        ("http://", "no address"),
        ("http://x:no/", "no address"),
        ("http://[x/", "no address"),
        ("${SECRET_ADDRESS}", "no address"),
    ],
)
async def test_one_that_cannot_be_used_says_what_to_set(
    payload: dict[str, Any], address: str, words: str
) -> None:
    one = Webhook(address, setting="escalation.x", environ={"SECRET_ADDRESS": "hush-hush-hush"})
    with pytest.raises(SettingsInvalid, match=words) as failed:
        await one.send(payload, key="k1")
    assert "hush" not in str(failed.value)
