"""What Vercel's answers mean, where a status alone does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neveridle.errors import AccessRefused, NeveridleError, RateLimited
from neveridle.tools.redact import redact
from neveridle.tools.services.answers import SHOWN, seconds_until, wait_of
from neveridle.tools.services.parsed import fields_of

if TYPE_CHECKING:
    import httpx

UNSAID = 60.0
"""Seconds to wait where Vercel limits us and does not say for how long."""


def vercel_error(response: httpx.Response, said: str, data: Any) -> NeveridleError | None:
    """The error of an answer; None: its status says all.

    A token that is no good is answered with 403 and ``invalidToken``, and a limit says its
    end as a moment, in the header ``X-RateLimit-Reset`` or in the body's ``error.limit``.
    """
    error = fields_of(fields_of(data).get("error"))
    words = str(error.get("message") or said)
    message = f"vercel answered {response.status_code}: {redact(words)}"[:SHOWN]
    if response.status_code == 403 and (error.get("invalidToken") or error.get("missingToken")):
        remedy = "Set a valid token for vercel, then `neveridle services reset vercel`."
        return AccessRefused(message, remedy=remedy, rejected=True)
    if response.status_code == 429:
        wait = wait_of(response.headers)
        if wait is None:
            wait = _reset(response, fields_of(error.get("limit")))
        return RateLimited(message, service="vercel", wait=wait, health=False)
    return None


def _reset(response: httpx.Response, limit: dict[str, Any]) -> float:
    """Seconds until the limit's end; counted from the answer's own date, not by our clock."""
    if "date" not in response.headers:
        return UNSAID
    said = response.headers.get("x-ratelimit-reset") or str(limit.get("reset", ""))
    wait = seconds_until(said, response.headers, 0.0)
    return UNSAID if wait is None else wait
