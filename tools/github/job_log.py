"""The log of a job of GitHub Actions, which lies at another host."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from neveridle.errors import RequestRefused, ServiceError
from neveridle.tools.github.failures import Elsewhere
from neveridle.tools.github.parsing import SERVICE
from neveridle.tools.redact import redact
from neveridle.tools.redacted_logs import redact_logs

if TYPE_CHECKING:
    import httpx

    from neveridle.tools.github.rest import GitHubRest

MOST: Final = 64 * 1024 * 1024
"""Bytes of a log that are read at most; an end beyond them is not seen."""
_COLOUR: Final = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
_TIME: Final = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class JobLog:
    """The end of a log, where failures stand, without secrets, times and colours.

    Attributes:
        text: the lines.
        size: bytes of all that was read.
        cut: whether the beginning, or an end beyond what is read at all, is missing.
    """

    text: str
    size: int
    cut: bool


class JobLogs:
    """Fetches logs. The token goes to GitHub only, which points to where the log is.

    Args:
        rest: GitHub.
        timeout: seconds for each step of the download.
        total: seconds for all of it.
    """

    def __init__(self, rest: GitHubRest, *, timeout: float, total: float) -> None:
        self._rest = rest
        self._timeout = timeout
        self._total = total
        self._client: httpx.AsyncClient | None = None

    async def get(self, job: int, *, limit: int = 64 * 1024) -> JobLog:
        """The log of a job.

        Args:
            job: its id; see ``CheckRun.job``.
            limit: bytes of its end that are kept.

        Raises:
            RequestRefused: there is none, or it was deleted (404, 410).
            ServiceError: it could not be fetched.
        """
        path = self._rest.path("actions", "jobs", job, "logs")
        try:
            response = await self._rest.http.request("GET", path)
        except Elsewhere as error:
            where = error.location
        else:  # a GitHub server of one's own may hold it itself
            return _log(response.content[-limit:], len(response.content), limit)

        async def fetched() -> JobLog:
            async with asyncio.timeout(self._total):
                return await self._fetch(where, limit)

        return await self._rest.http.guard.call(fetched, repeatable=True)

    async def aclose(self) -> None:
        """Close all connections; may be called twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _fetch(self, where: str, limit: int) -> JobLog:
        import httpx

        ours, theirs = urlsplit(self._rest.http.base_url), urlsplit(where)
        if theirs.scheme != "https" and theirs.scheme != ours.scheme:
            msg = f"{SERVICE} pointed to a log that is not served by https."
            raise ServiceError(msg, service=SERVICE)
        if self._client is None:
            redact_logs()
            self._client = httpx.AsyncClient(
                headers={"User-Agent": "neveridle"}, timeout=self._timeout, follow_redirects=False,
                transport=self._rest.http.transport(),
            )  # fmt: skip
        async with self._client.stream("GET", where) as response:
            if response.status_code >= 500 or response.status_code == 429:
                msg = f"The log's host answered {response.status_code}."
                raise ServiceError(msg, service=SERVICE)
            if not response.is_success:  # its words may hold the signed address
                msg = f"The log cannot be fetched: its host answered {response.status_code}."
                raise RequestRefused(msg, status=response.status_code)
            end, size = bytearray(), 0
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                end += chunk
                if len(end) > 2 * limit + 65536:
                    del end[:-limit]
                if size >= MOST:
                    break
        return _log(bytes(end[-limit:]), size, limit)


def _log(end: bytes, size: int, limit: int) -> JobLog:
    text = end.decode("utf-8", errors="replace")
    cut = size > limit
    if cut:  # the first line is a part of one
        text = text.partition("\n")[2] or text
    return JobLog(redact(_TIME.sub("", _COLOUR.sub("", text))), size, cut or size >= MOST)
