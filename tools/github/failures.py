"""What GitHub's answers mean where they are no success; headers and codes first, words last."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from neveridle.errors import AccessRefused, NeveridleError, RateLimited, RequestRefused
from neveridle.tools.github.parsing import SERVICE
from neveridle.tools.redact import redact
from neveridle.tools.services.answers import SHOWN, seconds_until, wait_of

if TYPE_CHECKING:
    import httpx

SECONDARY: Final = 60.0
"""Seconds that GitHub asks to wait at least where it limits us without saying how long."""

REDIRECTS: Final = (301, 302, 303, 307, 308)


class Elsewhere(RequestRefused):
    """The answer lies at another host, where our token must not go.

    Args:
        message: what happened; it does not show the address, which may hold a signature.
        status: the HTTP status.
        location: the address.
    """

    def __init__(self, message: str, *, status: int, location: str) -> None:
        super().__init__(message, status=status)
        self.location = location


def classify(response: httpx.Response, said: str, data: Any) -> NeveridleError | None:
    """The error an answer means; None: it is a success, or what any service means by it.

    Args:
        response: the answer.
        said: its words.
        data: its JSON; None: it has none.
    """
    status, headers = response.status_code, response.headers
    message = f"{SERVICE} answered {status}: {redact(said)}"[:SHOWN]
    if status in REDIRECTS and "location" in headers:
        location = response.url.join(headers["location"])
        msg = f"{SERVICE} answered {status}: it points to {location.host}, which is not asked."
        return Elsewhere(msg, status=status, location=str(location))
    if status not in (403, 429):
        return None
    wait = _limit(status, headers, data)
    if wait is not None:
        return RateLimited(message, service=SERVICE, wait=wait, health=False)
    return AccessRefused(message, remedy=_remedy(headers), service=SERVICE)


def _limit(status: int, headers: Mapping[str, str], data: Any) -> float | None:
    """Seconds to wait where it is a limit; None: it is none."""
    asked = wait_of(headers)
    if asked is not None:
        return max(asked, 1.0)
    if headers.get("x-ratelimit-remaining", "").strip() == "0":
        # Their Date counts. One without it did not come from GitHub itself; our time is then
        # the best there is. A second more, as both moments are cut to whole seconds.
        wait = seconds_until(headers.get("x-ratelimit-reset", ""), headers, time.time())
        return SECONDARY if wait is None else wait + 1.0
    return SECONDARY if status == 429 or _secondary(data) else None


def _secondary(data: Any) -> bool:
    """Whether a 403 without headers is the secondary limit, which only its body says."""
    if not isinstance(data, dict):
        return False
    fields: dict[str, Any] = {**data}
    page = str(fields.get("documentation_url", "")).lower()
    if "secondary-rate-limit" in page or "abuse-rate-limit" in page:
        return True
    return "secondary rate limit" in str(fields.get("message", "")).lower()


def _remedy(headers: Mapping[str, str]) -> str:
    """What would allow it, where GitHub says so in a header."""
    if headers.get("x-github-sso", "").startswith("required"):
        return "Authorize the token for the organization's single sign-on."
    fine = headers.get("x-accepted-github-permissions", "")
    if fine:
        return f"Give the token the permission it lacks: {fine[:200]}."
    classic = headers.get("x-accepted-oauth-scopes", "")
    if classic:
        return f"Give the token one of these scopes: {classic[:200]}."
    return "Give GitHub's token the right to do this (docs/services/github.md), or leave it alone."
