"""Asking a stand-in without a socket: an httpx transport, for runs in simulated time."""

from __future__ import annotations

import asyncio
from email.utils import formatdate

import httpx

from neveridle.tools.standin.exchange import Answer
from neveridle.tools.standin.http import HttpStandin
from neveridle.tools.standin.http_fault import HttpFault


class StandinTransport(httpx.AsyncBaseTransport):
    """Hands requests to a stand-in in this process, with what is planned to go wrong.

    What takes time takes it on the event loop. A ``hold`` is not known here.

    Args:
        standin: who answers; it need not listen.
    """

    def __init__(self, standin: HttpStandin) -> None:
        self._standin = standin

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See ``httpx.AsyncBaseTransport``."""
        data = await request.aread()
        came, fault = self._standin.came(
            request.method, request.url.raw_path.decode("ascii"), dict(request.headers), data
        )
        answer = self._standin.work(came, fault)
        return await spoilt(request, answer, fault, now=self._standin.now())


async def spoilt(
    request: httpx.Request, answer: Answer | None, fault: HttpFault | None, *, now: float
) -> httpx.Response:
    """An answer as it arrives.

    Args:
        request: what was asked; its timeouts count.
        answer: what the service said; None: a fault kept it from being said.
        fault: what goes wrong; None: nothing.
        now: seconds since 1970, for ``Date``.

    Raises:
        httpx.TransportError: as a connection would.
    """
    if fault is None:
        return response(request, answer or Answer(500), now=now)
    match fault.kind:
        case "status":
            status = fault.status or 500
            said = {"message": f"status {status}"} if fault.said is None else fault.said
            answer = Answer(status, said, fault.headers)
        case "redirect":
            where = {"Location": fault.location, **fault.headers}
            answer = Answer(fault.status or 302, None, where)
        case "cut" | "hold":
            msg = "Server disconnected without sending a response."
            raise httpx.RemoteProtocolError(msg, request=request)
        case "truncated":
            msg = "peer closed connection without sending complete message body"
            raise httpx.RemoteProtocolError(msg, request=request)
        case "timeout" | "slow_body":
            await late(request, fault.seconds)
        case "malformed":
            sound = answer or Answer(200)
            answer = Answer(200, None, sound.headers, (sound.body or b"{}")[:-1] + b",,")
    return response(request, answer or Answer(500), now=now)


def response(request: httpx.Request, answer: Answer, *, now: float) -> httpx.Response:
    """An answer in httpx's form, with the headers that a server sets itself."""
    headers = {"Date": formatdate(now, usegmt=True)}
    if answer.body:
        headers["Content-Type"] = "application/json; charset=utf-8"
    found = httpx.Headers(headers)
    found.update(dict(answer.headers))
    body = b"" if request.method == "HEAD" else answer.body
    return httpx.Response(answer.status, headers=found, content=body, request=request)


async def late(request: httpx.Request, seconds: float) -> None:
    """Wait for a late answer, as long as the client does.

    Raises:
        httpx.ReadTimeout: it waits no longer.
    """
    limits: dict[str, float | None] = request.extensions.get("timeout", {})
    longest = limits.get("read")
    if longest is None or seconds <= longest:
        await asyncio.sleep(seconds)
        return
    await asyncio.sleep(longest)
    msg = f"No answer within {longest:g} s."
    raise httpx.ReadTimeout(msg, request=request)
