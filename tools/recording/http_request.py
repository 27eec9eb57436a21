"""The canonical request to a service: what is asked, without what differs between runs."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from neveridle.tools.recording.canonical import Names
from neveridle.tools.recording.http_format import HttpRequestLine
from neveridle.tools.recording.http_secrets import is_secret_name, scrub
from neveridle.tools.recording.request import is_mapping, is_sequence, key_of
from neveridle.tools.redact import SECRET

if TYPE_CHECKING:
    import httpx

LARGEST: Final = 256 * 1024
"""Bytes of a request's body, as canonical text, that are kept; of a larger one, the SHA-256."""
_BOUNDARY: Final = re.compile(r"boundary=\"?([^\";,\s]{1,70})")


def canonical_http(service: str, request: httpx.Request, names: Names) -> HttpRequestLine:
    """What is asked of a service, with ``names`` for what differs between runs.

    Headers are no part of it, and neither is the host: credentials and a client's version
    change nothing about what is asked, and a stand-in answers for the service itself.

    Args:
        service: whose traffic it is.
        request: with its body read.
        names: learns what it replaces.
    """

    def text(value: str) -> str:
        return names.text(scrub(value))

    raw = request.url.raw_path.split(b"?", 1)[0].decode("ascii", "replace")
    given = parse_qsl(request.url.query.decode("ascii", "replace"), keep_blank_values=True)
    return HttpRequestLine(
        service=service,
        method=request.method.upper(),
        path=text(raw),
        query=_pairs(given, text),
        body=_body(request, text),
    )


def http_key(request: HttpRequestLine) -> str:
    """The SHA-256 of a canonical request, in hexadecimal."""
    return key_of(request.model_dump())


def _pairs(given: list[tuple[str, str]], text: Any) -> tuple[tuple[str, str], ...]:
    """Names and values, sorted by name; several of one name stay in their order."""
    return tuple(
        (name, SECRET if is_secret_name(name, query=True) else text(value))
        for name, value in sorted(given, key=lambda pair: pair[0])
    )


def _body(request: httpx.Request, text: Any) -> Any:
    data = request.content
    if not data:
        return None
    kind = request.headers.get("content-type", "")
    try:
        words = data.decode("utf-8")
    except UnicodeDecodeError:
        return _digest(data, len(data))
    made: Any
    if "json" in kind:
        try:
            made = _sorted(json.loads(words), text)
        except (ValueError, RecursionError):
            made = {"text": text(words)}
    elif "x-www-form-urlencoded" in kind:
        made = {"form": [list(pair) for pair in _pairs(parse_qsl(words, True), text)]}
    else:
        boundary = _BOUNDARY.search(kind)
        if boundary is not None:  # made up anew for each request
            words = words.replace(boundary[1], "⟦boundary⟧")
        made = {"text": text(words)}
    whole = json.dumps(made, sort_keys=True).encode("ascii")
    return made if len(whole) <= LARGEST else _digest(whole, len(data))


def _digest(data: bytes, size: int) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": size}


def _sorted(value: Any, text: Any, name: str = "") -> Any:
    """JSON with its keys sorted, so that names are numbered the same however it is ordered."""
    if is_mapping(value):
        return {key: _sorted(value[key], text, key) for key in sorted(value)}
    if is_sequence(value):
        return [_sorted(item, text, name) for item in value]
    if isinstance(value, str):
        return SECRET if value and is_secret_name(name) else text(value)
    return value
