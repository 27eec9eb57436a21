"""What Linear's answers mean, where they are no success.

Linear says what went wrong in ``errors``, with a status of 200 or 400: ``extensions.type`` in
words, ``extensions.code`` in capitals. Both are looked at, neither message is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from neveridle.errors import (
    AccessRefused,
    NeveridleError,
    RateLimited,
    RequestRefused,
    ServiceError,
)
from neveridle.tools.redact import redact
from neveridle.tools.services.answers import SHOWN, seconds_until, wait_of

SERVICE: Final = "linear"
LIMITED: Final = frozenset({"RATELIMITED"})
REJECTED: Final = frozenset({"AUTHENTICATIONERROR", "UNAUTHENTICATED"})
FORBIDDEN: Final = frozenset({"FORBIDDEN"})
REFUSED: Final = frozenset(
    {
        "INVALIDINPUT", "INPUTERROR", "USERERROR", "GRAPHQLERROR", "GRAPHQLVALIDATIONFAILED",
        "GRAPHQLPARSEFAILED", "BADUSERINPUT", "FEATURENOTACCESSIBLE", "USAGELIMITEXCEEDED",
    }
)  # fmt: skip
BUSY: Final = frozenset({"LOCKTIMEOUT"})
"""Said of one object, not of the service's health."""
WITHOUT_RESET: Final = 60.0
"""Seconds to wait where a limit does not say for how long it lasts."""
BUCKETS: Final = ("requests", "complexity", "endpoint-requests")


def error_of_answer(
    status: int, headers: Mapping[str, str], data: object, *, partial: bool = False
) -> NeveridleError | None:
    """The error that Linear's answer means; None: there is none, or its status says it.

    Args:
        status: the HTTP status.
        headers: of the answer, ignoring case.
        data: its JSON.
        partial: whether errors that concern parts of the answer only may be left aside.
    """
    errors = _errors(data)
    if not errors:
        if status == 200 and not (isinstance(data, dict) and "data" in data):
            return ServiceError("linear answered without data.", service=SERVICE)
        return None
    words = {word for error in errors for word in _words(error)}
    said = redact("; ".join(str(error.get("message", "")) for error in errors))
    message = f"linear answered {said}"[:SHOWN]
    if words & LIMITED or status == 429:
        return RateLimited(message, service=SERVICE, wait=limit_wait(headers), health=False)
    if words & REJECTED or status == 401:
        remedy = "Set a valid token for linear, then `neveridle services reset linear`."
        return AccessRefused(message, remedy=remedy, rejected=True)
    if status == 200 and partial and _has_data(data):
        return None
    if words & FORBIDDEN or status == 403:
        remedy = "Give linear's token the right to do this, or leave it alone."
        return AccessRefused(message, remedy=remedy)
    refused = all(_refused(error) for error in errors)
    if refused and status < 500:
        return RequestRefused(message, status=0 if status == 200 else status, data=_plain(errors))
    if status in (200, 400):
        return ServiceError(message, service=SERVICE, health=not words & BUSY)
    return None  # the status says enough


def limit_wait(headers: Mapping[str, str]) -> float:
    """Seconds until all limits that are used up are over."""
    asked = wait_of(headers)
    if asked is not None:
        return asked
    waits = [
        seconds
        for bucket in BUCKETS
        if _number(headers.get(f"x-ratelimit-{bucket}-remaining", "")) == 0
        and (seconds := _reset(headers, bucket)) is not None
    ]
    return max(waits, default=WITHOUT_RESET)


def _reset(headers: Mapping[str, str], bucket: str) -> float | None:
    at = _number(headers.get(f"x-ratelimit-{bucket}-reset", ""))
    if at is None or not headers.get("date"):  # by no clock of ours
        return None
    return seconds_until(str(at / 1000), headers, 0.0)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _errors(data: object) -> list[dict[str, Any]]:
    if not isinstance(data, dict):
        return []
    found: Any = cast("dict[str, Any]", data).get("errors")
    listed: list[Any] = [*found] if isinstance(found, list) else []
    return [one for one in listed if isinstance(one, dict)]


def _has_data(data: object) -> bool:
    if not isinstance(data, dict):
        return False
    parts = cast("dict[str, Any]", data).get("data")
    return isinstance(parts, dict) and any(
        one is not None for one in cast("dict[str, Any]", parts).values()
    )


def _words(error: Mapping[str, Any]) -> set[str]:
    extensions = error.get("extensions")
    if not isinstance(extensions, dict):
        return set()
    given = cast("dict[str, Any]", extensions)
    named = (given.get("type"), given.get("code"))
    return {"".join(c for c in one if c.isalpha()).upper() for one in named if isinstance(one, str)}


def _refused(error: Mapping[str, Any]) -> bool:
    if _words(error) & REFUSED:
        return True
    extensions = error.get("extensions")
    return isinstance(extensions, dict) and bool(
        cast("dict[str, Any]", extensions).get("userError")
    )


def _plain(errors: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [{"message": redact(str(one.get("message", "")))[:SHOWN]} for one in errors[:10]]
