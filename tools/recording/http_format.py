"""The lines of a recording of services: a header, then one exchange per line.

::

    {"format": "neveridle-http-recording", "version": 1, "provenance": {"kind": "live", …}}
    {"key": "<sha256>", "request": {…}, "names": {…}, "origin": "https://api.github.com",
     "response": {"status": 200, "headers": [["date", "…"]], "body": {"text": "…"}},
     "at": 1767268800.0, "seconds": 0.21}
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field

from neveridle.tools.recording.format import HeaderLine, Line

HTTP_FORMAT: Final = "neveridle-http-recording"


class HttpHeader(HeaderLine):
    """The first line."""

    format: Literal["neveridle-http-recording"] = HTTP_FORMAT


class HttpRequestLine(Line):
    """The canonical request: all that its key is made from.

    Args:
        service: whose traffic it is, such as ``github``.
        method: in capitals.
        path: as it was sent, without the query, with names for what differs between runs.
        query: names and values; sorted by name.
        body: JSON as it is, its keys sorted; else ``{"text": …}``, ``{"form": […]}`` or, where it
            is binary or large, ``{"sha256": …, "size": …}``. None: there was none.
    """

    service: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None


class HttpBody(Line):
    """An answer's body, unpacked; ``text`` where it is UTF-8, else ``base64``.

    Args:
        dropped: bytes of one that was too large to be kept; 0: it was kept.
    """

    text: str | None = None
    base64: str | None = None
    dropped: int = Field(default=0, ge=0)


class HttpFailure(Line):
    """An error of the transport, in place of an answer or after a part of it.

    Args:
        type: the name of httpx's exception, such as ``ConnectTimeout``.
        message: its words.
    """

    type: str
    message: str = ""


class HttpResponseLine(Line):
    """What was answered.

    Args:
        status: the HTTP status.
        headers: names in lower case, with values; those that matter, see ``kept``.
        body: the body.
    """

    status: int = Field(ge=100, le=599)
    headers: tuple[tuple[str, str], ...] = ()
    body: HttpBody = HttpBody()


class HttpEntry(Line):
    """One exchange.

    Args:
        key: the SHA-256 of the canonical request, in hexadecimal.
        names: what the request's names stood for, such as ``{"hash:1": "16c7e42…"}``.
        origin: scheme, host and port that were asked.
        response: the answer; None: there was none.
        failure: what went wrong with the transport; None: nothing.
        at: when the answer began, in seconds since 1970.
        seconds: how long it took until then.
    """

    key: str = Field(pattern="^[0-9a-f]{64}$")
    request: HttpRequestLine
    names: dict[str, str] = Field(default_factory=dict[str, str])
    origin: str = ""
    response: HttpResponseLine | None = None
    failure: HttpFailure | None = None
    at: float = 0.0
    seconds: float = Field(default=0.0, ge=0)
