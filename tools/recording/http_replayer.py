"""The transport that answers from a recording of services."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import httpx

from neveridle.errors import RecordingMismatch
from neveridle.tools.recording.canonical import Names
from neveridle.tools.recording.http_format import HttpEntry, HttpFailure, HttpResponseLine
from neveridle.tools.recording.http_recorder import Now, origin_of, time_of
from neveridle.tools.recording.http_recording import REMEDY, HttpRecording, shown
from neveridle.tools.recording.http_request import canonical_http
from neveridle.tools.recording.http_times import moved_header, moved_text


class HttpReplayer(httpx.AsyncBaseTransport):
    """Answers from a recording: no network, no token.

    A limit's reset, ``Date`` and the like are as far from the time of the replay as they were
    from the time of recording; moments in JSON keep their distance to the run's first answer, so
    that one that did not change does not change here either.

    Args:
        recording: what to answer from; shared by the transports of a process.
        service: whose traffic it is.
        roots: folders whose paths differ between runs, by name; see ``Names``.
        now: the time.
        wait: takes the seconds that an answer took; None: it comes at once.

    A request raises ``RecordingMismatch`` when the recording holds no exchange for it.
    """

    def __init__(
        self,
        recording: HttpRecording,
        service: str,
        *,
        roots: Mapping[str, Path] | None = None,
        now: Now = time.time,
        wait: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self._recording = recording
        self._service = service
        self._roots = dict(roots or {})
        self._now = now
        self._wait = wait

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange; see ``httpx.AsyncBaseTransport``."""
        await request.aread()
        names = Names(self._roots)
        asked = canonical_http(self._service, request, names)
        entry = self._recording.answer(asked, names.values())
        if self._wait is not None and entry.seconds:
            await self._wait(entry.seconds)
        answer = entry.response
        if answer is None:
            raise failure_of(entry.failure, request)
        if answer.body.dropped:
            msg = (
                f"{self._recording.path}: the answer to {shown(asked)} was not kept: it had "
                f"{answer.body.dropped:,} bytes."
            )
            raise RecordingMismatch(msg, remedy=REMEDY)
        now = await time_of(self._now)
        origin = origin_of(request.url)
        return httpx.Response(
            answer.status,
            headers=self._headers(entry, answer, now, origin),
            stream=_Replayed(self._body(entry, answer, now, origin), entry.failure, request),
            extensions={"http_version": b"HTTP/1.1"},
        )

    def _headers(
        self, entry: HttpEntry, answer: HttpResponseLine, now: float, origin: str
    ) -> list[tuple[str, str]]:
        later = now - entry.at if entry.at else 0.0
        return [
            (name, self._recording.here(moved_header(name, _at(value, entry, origin), later)))
            for name, value in answer.headers
        ]

    def _body(self, entry: HttpEntry, answer: HttpResponseLine, now: float, origin: str) -> bytes:
        body = answer.body
        if body.base64 is not None:
            return base64.b64decode(body.base64)
        text = self._recording.here(_at(body.text or "", entry, origin))
        if any(name == "content-type" and "json" in value for name, value in answer.headers):
            text = moved_text(text, self._recording.later(now))
        return text.encode("utf-8")


class _Replayed(httpx.AsyncByteStream):
    """A recorded body, and then what went wrong with it, if anything did."""

    def __init__(self, data: bytes, failure: HttpFailure | None, request: httpx.Request) -> None:
        self._data = data
        self._failure = failure
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._data:
            yield self._data
        if self._failure is not None:
            raise failure_of(self._failure, self._request)


def failure_of(failure: HttpFailure | None, request: httpx.Request) -> httpx.RequestError:
    """The exception that was recorded; a ``TransportError`` where httpx has none of its name."""
    name = failure.type if failure is not None else ""
    kind = getattr(httpx, name, None)
    if not (isinstance(kind, type) and issubclass(kind, httpx.RequestError)):
        kind = httpx.TransportError
    message = failure.message if failure is not None else ""
    return kind(message, request=request)


def _at(text: str, entry: HttpEntry, origin: str) -> str:
    """Addresses of the service as they are here: a client refuses to be led elsewhere."""
    return text if entry.origin in ("", origin) else text.replace(entry.origin, origin)
