"""The transport that records what a service is asked and answers."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from inspect import isawaitable
from pathlib import Path
from typing import Final

import httpx

from neveridle.errors import DiskFull, RecordingInvalid
from neveridle.tools.recording.canonical import Names
from neveridle.tools.recording.http_format import (
    HttpBody,
    HttpEntry,
    HttpFailure,
    HttpRequestLine,
    HttpResponseLine,
)
from neveridle.tools.recording.http_request import canonical_http, http_key
from neveridle.tools.recording.http_secrets import kept, scrub
from neveridle.tools.recording.http_writer import HttpRecordingWriter

LARGEST: Final = 8 * 1024 * 1024
"""Bytes of an answer, unpacked, that are kept; a larger one cannot be replayed."""
GIVEN_UP: Final = "it was given up before an answer came"
"""What is recorded of a request that our own limit, or a cancellation, ended."""
PACKING: Final = ("content-encoding", "content-length", "transfer-encoding")
Now = Callable[[], "float | Awaitable[float]"]
"""Seconds since 1970."""


class HttpRecorder(httpx.AsyncBaseTransport):
    """Passes requests on and writes each exchange to a recording.

    An exchange is written once its answer was read to its end, or as far as it was read. What
    the transport raises is written, too, and raised on; a request that was given up (cancelled,
    as by a time limit) is written as a ``ReadTimeout``. Answers are handed on unpacked.

    Args:
        inner: what makes the requests; closed with this.
        writer: where exchanges are written; shared by the transports of a process.
        service: whose traffic it is.
        roots: folders whose paths differ between runs, by name; see ``Names``.
        now: the time.
        wait: in simulated time, takes the seconds that an answer took; None: time is real.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        writer: HttpRecordingWriter,
        service: str,
        *,
        roots: Mapping[str, Path] | None = None,
        now: Now = time.time,
        wait: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self._inner = inner
        self._writer = writer
        self._service = service
        self._roots = dict(roots or {})
        self._now = now
        self._wait = wait

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange; see ``httpx.AsyncBaseTransport``."""
        await request.aread()
        names = Names(self._roots)
        asked = canonical_http(self._service, request, names)
        exchange = _Exchange(self._writer, asked, names.values(), origin_of(request.url))
        begun = time.perf_counter()
        try:
            response = await self._inner.handle_async_request(request)
        except (httpx.TransportError, asyncio.CancelledError) as error:
            exchange.seconds = round(time.perf_counter() - begun, 3)
            exchange.fail(error)
            if self._wait is not None and not isinstance(error, asyncio.CancelledError):
                await self._wait(exchange.seconds)
            raise
        exchange.seconds = round(time.perf_counter() - begun, 3)
        if self._wait is not None:
            await self._wait(exchange.seconds)
        exchange.at = await time_of(self._now)
        exchange.status, exchange.headers = response.status_code, response.headers
        return httpx.Response(
            response.status_code,
            headers=[(n, v) for n, v in response.headers.multi_items() if n.lower() not in PACKING],
            stream=_Recorded(response, exchange),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()


class _Exchange:
    """What is known of one exchange so far."""

    def __init__(
        self,
        writer: HttpRecordingWriter,
        asked: HttpRequestLine,
        names: dict[str, str],
        origin: str,
    ) -> None:
        self._writer = writer
        self._asked = asked
        self._names = names
        self._origin = origin
        self._written = False
        self.at = 0.0
        self.seconds = 0.0
        self.status = 0
        self.headers = httpx.Headers()
        self.size = 0
        self.parts: list[bytes] = []

    def add(self, part: bytes) -> None:
        """Keep a part of the body, while it is not too large."""
        self.size += len(part)
        if self.size <= LARGEST:
            self.parts.append(part)
        else:
            self.parts.clear()

    def fail(self, error: BaseException) -> None:
        """Write the exchange with what went wrong."""
        if isinstance(error, asyncio.CancelledError):
            # Being cancelled goes before; a disk that is full is told with the next exchange.
            with contextlib.suppress(DiskFull, RecordingInvalid):
                self.write(error)
        else:
            self.write(error)

    def write(self, error: BaseException | None = None) -> None:
        """Write the exchange, once."""
        if self._written:
            return
        self._written = True
        response = None
        if self.status:
            response = HttpResponseLine(
                status=self.status, headers=kept(self.headers.multi_items()), body=self._body()
            )
        self._writer.write(
            HttpEntry(
                key=http_key(self._asked),
                request=self._asked,
                names=self._names,
                origin=self._origin,
                response=response,
                failure=_failure(error),
                at=round(self.at, 3),
                seconds=self.seconds,
            )
        )

    def _body(self) -> HttpBody:
        if self.size > LARGEST:
            return HttpBody(dropped=self.size)
        data = b"".join(self.parts)
        try:
            return HttpBody(text=scrub(data.decode("utf-8"))) if data else HttpBody()
        except UnicodeDecodeError:
            return HttpBody(base64=base64.b64encode(data).decode("ascii"))


class _Recorded(httpx.AsyncByteStream):
    """The body of an answer, unpacked, written down once it was read."""

    def __init__(self, response: httpx.Response, exchange: _Exchange) -> None:
        self._response = response
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._response.aiter_bytes():
                self._exchange.add(part)
                yield part
        except (httpx.RequestError, asyncio.CancelledError) as error:
            self._exchange.fail(error)
            raise
        self._exchange.write()

    async def aclose(self) -> None:
        self._exchange.write()  # as far as it was read, where it was not to its end
        await self._response.aclose()


def origin_of(url: httpx.URL) -> str:
    """Scheme, host and port."""
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace').rpartition('@')[2]}"


async def time_of(now: Now) -> float:
    """The time, whether or not one has to wait for it."""
    found = now()
    return await found if isawaitable(found) else found


def _failure(error: BaseException | None) -> HttpFailure | None:
    if error is None:
        return None
    if isinstance(error, asyncio.CancelledError):
        return HttpFailure(type="ReadTimeout", message=GIVEN_UP)
    return HttpFailure(type=type(error).__name__, message=scrub(str(error))[:500])
