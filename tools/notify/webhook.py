"""A webhook: the notice is posted as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from neveridle.errors import NeveridleError, ServiceError, SettingsInvalid
from neveridle.tools.notify.expanding import expand
from neveridle.tools.redact import protect
from neveridle.tools.redacted_logs import redact_logs
from neveridle.tools.services.answers import wait_of

if TYPE_CHECKING:
    import httpx

STEP: Final = 10.0
"""Real seconds for each step of a request."""
WHOLE: Final = 20.0
"""Real seconds for all of it."""


class Webhook:
    """Posts to one address. Belongs to one event loop; ``await aclose()`` at its end.

    It passes no breaker, and is not repeated here: the board keeps its tries and their times,
    and a pager that is down must not become something that pages.

    Args:
        address: as it is configured, with ``${NAME}`` for variables.
        setting: where.
        environ: the environment.
    """

    def __init__(
        self, address: str, *, setting: str, environ: Mapping[str, str] | None = None
    ) -> None:
        self._address = address
        self._setting = setting
        self._environ = os.environ if environ is None else environ
        self._client: httpx.AsyncClient | None = None

    def url(self) -> str:
        """The whole address; it is known for a secret from now on.

        Raises:
            SettingsInvalid: a variable is not set, or it is no address of HTTP.
        """
        url = expand(self._address, self._environ, setting=self._setting).strip()
        protect(_path_of(url, self._setting))  # whoever knows it can post there
        return url

    async def send(self, payload: Mapping[str, Any], *, key: str) -> None:
        """Post a notice.

        Args:
            payload: plain JSON.
            key: the same for each try, in the header ``Idempotency-Key``.

        Raises:
            SettingsInvalid: see ``url``.
            ServiceError: it was not taken; ``wait`` says when to come again, where it is known.
        """
        url = self.url()
        host = urlsplit(url).hostname
        try:
            # Real time, as for all that sockets do.
            async with asyncio.timeout(WHOLE):
                await self._post(url, payload, key)
        except NeveridleError:
            raise
        except TimeoutError:
            msg = f"{host} did not answer within {WHOLE:g} s."
            raise ServiceError(msg, service=self._setting) from None
        except Exception as error:  # noqa: BLE001 - httpx's words may hold the address: not kept
            msg = f"{host} could not be reached: {type(error).__name__}."
            raise ServiceError(msg, service=self._setting) from None

    async def _post(self, url: str, payload: Mapping[str, Any], key: str) -> None:
        headers = {"Idempotency-Key": key}
        async with self.client.stream("POST", url, json=dict(payload), headers=headers) as answer:
            # What it says is not read: it is not ours to bound, and nothing here needs it.
            if not answer.is_success:
                msg = f"{urlsplit(url).hostname} answered {answer.status_code}."
                raise ServiceError(msg, service=self._setting, wait=wait_of(answer.headers))

    @property
    def client(self) -> httpx.AsyncClient:
        """The pooled client; a redirection is not followed, as the address is a secret."""
        import httpx

        if self._client is None:
            redact_logs()
            agent = {"User-Agent": "neveridle"}
            self._client = httpx.AsyncClient(headers=agent, timeout=STEP, follow_redirects=False)
        return self._client

    async def aclose(self) -> None:
        """Close all connections; may be called twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def _path_of(url: str, setting: str) -> str:
    """Path and query of an address of HTTP."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts.path + (f"?{parts.query}" if parts.query else "")
    msg = f"{setting} is no address of the form https://HOST/PATH."
    raise SettingsInvalid(msg, remedy="Correct it in neveridle.toml.")
