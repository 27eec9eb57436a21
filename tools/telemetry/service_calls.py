"""HTTP requests to services as spans and measurements: method, host and status, no more."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from neveridle.tools.telemetry.seam import telemetry
from neveridle.tools.telemetry.spans import Value, error_type, passes_through, span

if TYPE_CHECKING:
    import httpx


async def traced_request(
    send: Callable[[], Awaitable[httpx.Response]], request: httpx.Request, service: str
) -> httpx.Response:
    """Send a request, in a span named by its method.

    Paths and queries are left out: they say whom and what an agent works on, and some
    addresses are secrets. A request that no attempt asked for, such as a look at the tracker
    while all rest, is measured and makes no trace.

    Args:
        send: sends it.
        request: what is sent.
        service: the service's name.
    """
    found = telemetry()
    if found is None:
        return await send()
    url = request.url
    about: dict[str, Value] = {
        "http.request.method": request.method,
        "server.address": url.host,
        "server.port": url.port or (443 if url.scheme == "https" else 80),
    }
    known = {**about, "neveridle.service": service}
    with span(request.method, known, client=True, within=True) as traced:
        began = time.monotonic()
        try:
            response = await send()
        except BaseException as error:  # measured by its kind and raised on
            if not passes_through(error):
                failed = {**about, "error.type": error_type(error)}
                found.instruments.request_seconds.record(time.monotonic() - began, failed)
            raise
        about["http.response.status_code"] = response.status_code
        traced.set("http.response.status_code", response.status_code)
        if response.status_code >= 400:
            about["error.type"] = str(response.status_code)
            traced.failed(str(response.status_code))
        found.instruments.request_seconds.record(time.monotonic() - began, about)
        return response
