"""HTTP to one service: pooled, authorised, behind retry and breaker, and silent about secrets."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from neveridle.errors import NeveridleError, ServiceError
from neveridle.tools.redact import redact
from neveridle.tools.redacted_logs import redact_logs
from neveridle.tools.services.answers import SHOWN, error_of_status, words_of
from neveridle.tools.services.body import whole
from neveridle.tools.telemetry import traced_request

if TYPE_CHECKING:
    import httpx

    from neveridle.tools.resilience import Guard

READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
REDIRECTS: Final = 5
"""Redirections that are followed for one request."""
STEPS: Final = 2
"""How many times the limit of one step the whole of a request may take."""

Transport = Callable[[], "httpx.AsyncBaseTransport | None"]
"""Makes what a client sends its requests by; None: the ordinary way."""
Classify = Callable[["httpx.Response", str, Any], "NeveridleError | None"]


def fingerprint(token: str) -> str:
    """What tells one token from another without saying anything about either; empty: none."""
    return hashlib.sha256(f"neveridle {token}".encode()).hexdigest()[:16] if token else ""


class ServiceHttp:
    """One service's HTTP. Belongs to one event loop; ``await aclose()`` at its end.

    The client is made when first used. Redirects are followed within the service's own
    host only, as the token goes with them.

    Args:
        guard: what every call passes.
        base_url: where its API is; paths are put behind it.
        headers: sent with every request; the token is one of them.
        timeout: seconds for each step of one request (connect, send, wait, read); the whole
            of it, redirections included, takes twice that at most.
        classify: the error that an answer means; gets the answer, its words and its JSON.
            None: by status alone, see ``error_of_status``.
        transport: makes what requests are sent by, which is closed with the client; None: the
            ordinary way. ``transport()`` gives another one, for a client beside this.
    """

    def __init__(
        self,
        guard: Guard,
        base_url: str,
        *,
        headers: Mapping[str, str],
        timeout: float = 30.0,
        classify: Classify | None = None,
        transport: Transport | None = None,
    ) -> None:
        self.guard = guard
        self.base_url = base_url.rstrip("/")
        self._headers = dict(headers)
        self._timeout = timeout
        self._classify = classify
        self.transport: Transport = transport or (lambda: None)
        self._client: httpx.AsyncClient | None = None

    @property
    def client(self) -> httpx.AsyncClient:
        """The pooled client."""
        import httpx

        if self._client is None:
            redact_logs()
            self._client = httpx.AsyncClient(
                headers={"User-Agent": "neveridle", **self._headers},
                timeout=self._timeout,
                follow_redirects=False,
                transport=self.transport(),
            )
        return self._client

    async def aclose(self) -> None:
        """Close all connections; may be called twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
    ) -> httpx.Response:
        """Ask the service; its answer, read whole.

        Args:
            method: such as GET.
            path: behind the base URL; or a whole URL of the same host, such as a next page.
            params: put into the query; None is left out.
            body: sent as JSON; None: nothing.
            headers: further headers.
            repeatable: whether it may be sent again when it may have been received; None:
                only what reads.

        Raises:
            ServiceUnavailable: the breaker is open, or the service is held.
            ServiceError: it failed; see the subclasses.
            AccessRefused: it does not take our credentials.
            RequestRefused: it said no.
        """
        if repeatable is None:
            repeatable = method.upper() in READS
        given = {key: one for key, one in (params or {}).items() if one is not None}

        async def once() -> httpx.Response:
            return await self._send(method, self._url(path), given, body, headers or {})

        return await self.guard.call(once, repeatable=repeatable)

    def _url(self, path: str) -> str:
        if "://" not in path:
            return f"{self.base_url}{path}"
        if not self._ours(path):
            msg = f"{self.guard.service} pointed to another host: {urlsplit(path).hostname}."
            raise ServiceError(msg, service=self.guard.service)
        return path

    def _ours(self, url: str) -> bool:
        ours, theirs = urlsplit(self.base_url), urlsplit(url)
        return (ours.scheme, ours.netloc.lower()) == (theirs.scheme, theirs.netloc.lower())

    async def _send(
        self, method: str, url: str, params: dict[str, Any], body: Any, headers: Mapping[str, str]
    ) -> httpx.Response:
        request = self.client.build_request(
            method, url, params=params or None, json=body, headers=dict(headers)
        )
        response = await traced_request(lambda: self._timed(request), request, self.guard.service)
        error = self._error(response)
        if error is not None:
            raise error
        return response

    async def _timed(self, request: httpx.Request) -> httpx.Response:
        longest = self._timeout * STEPS
        try:
            # Real time, as for all that sockets do; and longer than any of httpx's own limits,
            # which say at which step it stopped.
            async with asyncio.timeout(longest):
                return await self._answer(request)
        except TimeoutError as late:
            msg = f"{self.guard.service} did not answer to the end within {longest:g} s."
            raise ServiceError(msg, service=self.guard.service) from late

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request, or to the one it is redirected to."""
        left = REDIRECTS
        while True:
            response = await self.client.send(request, stream=True)
            following = response.next_request
            answer = await whole(response, self.guard.service)
            if not left or following is None or not self._ours(str(following.url)):
                return answer
            if request.method not in READS and following.method != request.method:
                return answer  # a write that would become a read
            request = following
            left -= 1

    def _error(self, response: httpx.Response) -> NeveridleError | None:
        data: Any = None
        if response.content and "json" in response.headers.get("content-type", ""):
            try:
                data = response.json()
            except (ValueError, RecursionError):
                if response.is_success:
                    msg = f"{self.guard.service} answered with broken JSON."
                    return ServiceError(msg, service=self.guard.service)
        # Cut once secrets are out: the half of a token would not be known for one.
        whole = response.text if data is None else words_of(data)
        said = redact(whole[: 100 * SHOWN])[: 4 * SHOWN]
        if self._classify is not None:
            found = self._classify(response, said, data)
            if found is not None:
                return found
        return error_of_status(
            self.guard.service, response.status_code, response.headers, said, data
        )
