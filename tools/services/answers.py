"""What an HTTP answer says, where it is no success."""

from __future__ import annotations

import json
import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from neveridle.errors import (
    AccessRefused,
    NeveridleError,
    RateLimited,
    RequestRefused,
    ServiceError,
)
from neveridle.tools.redact import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN = 500
"""Characters of a service's own words in an error."""
LONGEST = 24 * 3600.0
"""Seconds that a service may ask us to wait; more is a mistake of somebody's."""
_SECONDS = re.compile(r"[0-9]{1,300}(\.[0-9]{1,300})?", re.ASCII)
"""What counts as a number: no sign, no exponent, no NaN, no infinity."""


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Seconds that ``Retry-After`` asks for, given in seconds or as a date; None: nothing.

    A date is compared with the answer's own ``Date``, so that our clock does not matter.
    """
    said = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(said):
        return min(float(said), LONGEST)
    until, now = _date(said), _date(headers.get("date", ""))
    return None if until is None or now is None else _bounded(until - now)


def seconds_until(epoch: str, headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until a moment that a header gives as seconds since 1970; None: it gives none.

    Args:
        epoch: the header's value.
        headers: all of the answer's; its ``Date`` is what the moment is compared with.
        now: the time to compare with where the answer has no date.
    """
    said = epoch.strip()  # more than what ``float`` takes for white space
    if not _SECONDS.fullmatch(said):
        return None
    base = _date(headers.get("date", ""))
    return _bounded(float(said) - (now if base is None else base))


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST)


def _date(text: str) -> float | None:
    if not text:
        return None
    try:
        found = parsedate_to_datetime(text)
        # Without a zone, or with "-0000", it is a time of UTC; not of this host's zone.
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def words_of(data: object) -> str:
    """What an answer says in words: its message where it has one, else all of its JSON."""
    fields: dict[str, Any] = {**data} if isinstance(data, dict) else {}
    for said in (fields.get("message"), fields.get("error")):
        if isinstance(said, str) and said.strip():
            more = fields.get("errors") or fields.get("details")
            return f"{said} {json.dumps(more)}" if more else said
        if isinstance(said, dict):
            inner: dict[str, Any] = {**said}
            return words_of(inner)
    return json.dumps(data)


def error_of_status(
    service: str, status: int, headers: Mapping[str, str], said: str, data: object = None
) -> NeveridleError | None:
    """The error that a status means for any service; None: it is a success.

    Args:
        service: who answered.
        status: the HTTP status.
        headers: of the answer, with names in lower case or ignoring case.
        said: what the answer says, in words.
        data: the same for programs.
    """
    if 200 <= status < 300 or status == 304:
        return None
    message = f"{service} answered {status}: {redact(said)}"[:SHOWN]
    if status == 401:
        remedy = f"Set a valid token for {service}, then `neveridle services reset {service}`."
        return AccessRefused(message, remedy=remedy, rejected=True, service=service)
    if status in (403, 407):
        remedy = f"Give {service}'s token the right to do this, or leave it alone."
        return AccessRefused(message, remedy=remedy, service=service)
    if status == 429:
        wait = wait_of(headers)
        return RateLimited(message, service=service, wait=60.0 if wait is None else wait,
                           health=False)  # fmt: skip
    if status >= 500 or status in (408, 425):
        return ServiceError(message, service=service, wait=wait_of(headers))
    return RequestRefused(message, status=status, data=data)
