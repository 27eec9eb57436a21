"""How requests are sent while they are recorded: as a client without a transport sends them."""

from __future__ import annotations

import time
from typing import Final
from urllib.request import getproxies, proxy_bypass

import httpx

from neveridle.tools.recording.http_recorder import PACKING
from neveridle.tools.services.answers import wait_of

REST: Final = 30.0
"""Real seconds that a service is left alone at most, where time is simulated."""


class Ordinary(httpx.AsyncBaseTransport):
    """Sends requests by the environment's proxy, if there is one.

    A client that is given a transport looks for no proxy any more.
    """

    def __init__(self) -> None:
        self._proxies = getproxies()
        self._by_proxy: dict[str, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; see ``httpx.AsyncBaseTransport``."""
        proxy = _proxy_of(request.url, self._proxies)
        if proxy not in self._by_proxy:
            self._by_proxy[proxy] = httpx.AsyncHTTPTransport(proxy=proxy or None)
        return await self._by_proxy[proxy].handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for one in self._by_proxy.values():
            await one.aclose()


class Blocking(httpx.AsyncBaseTransport):
    """The same in simulated time: the loop stands still until the answer is there, whole.

    Awaited, time would jump to the request's own time limit at once.
    """

    def __init__(self) -> None:
        self._proxies = getproxies()
        self._by_proxy: dict[str, httpx.HTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, and read its answer; see ``httpx.AsyncBaseTransport``."""
        proxy = _proxy_of(request.url, self._proxies)
        if proxy not in self._by_proxy:
            self._by_proxy[proxy] = httpx.HTTPTransport(proxy=proxy or None)
        response = self._by_proxy[proxy].handle_request(request)
        response.request = request
        try:
            response.read()
        finally:
            response.close()
        _let_rest(response)
        headers = [(name, value) for name, value in response.headers.multi_items()
                   if name.lower() not in PACKING]  # fmt: skip
        extensions = {"http_version": response.extensions.get("http_version", b"HTTP/1.1")}
        return httpx.Response(
            response.status_code, headers=headers, content=response.content, extensions=extensions
        )

    async def aclose(self) -> None:
        """Close all connections."""
        for one in self._by_proxy.values():
            one.close()


def _let_rest(response: httpx.Response) -> None:
    """Give a service the real time it asks for: what waits for it in simulated time does not."""
    if response.status_code == 429 or response.status_code >= 500:
        wait = wait_of(response.headers)
        time.sleep(min(1.0 if wait is None else wait, REST))


def _proxy_of(url: httpx.URL, proxies: dict[str, str]) -> str:
    """The address of the proxy for a request; empty: there is none."""
    proxy = proxies.get(url.scheme) or proxies.get("all") or ""
    if not proxy or proxy_bypass(url.host):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"
