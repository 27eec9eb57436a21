"""When a model's provider wants to be asked again, by the headers of its refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, cast

from neveridle.tools.services.answers import LONGEST, wait_of

_GO: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_GO_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_OPENAI: Final = "x-ratelimit-{what}-{kind}"
_ANTHROPIC: Final = "anthropic-ratelimit-{kind}-{what}"
_KINDS: Final = ("requests", "tokens", "input-tokens", "output-tokens")


def wait_of_model(error: BaseException, *, limited: bool) -> float | None:
    """Seconds that the provider asks us to wait; None: it does not say.

    ``Retry-After`` wins. Of a limit, else, the reset times of what is used up count; where
    nothing is said to be used up, the soonest does: the call was larger than what is left.

    Args:
        error: what the provider's client raised.
        limited: whether it was refused for a limit; a server that is down has no reset time.
    """
    headers = headers_of(error)
    asked = _milliseconds(headers) if "retry-after-ms" in headers else wait_of(headers)
    if asked is not None or not limited:
        return asked
    resets = [
        (seconds, headers.get(name.format(kind=kind, what="remaining"), "").strip() == "0")
        for name in (_OPENAI, _ANTHROPIC)
        for kind in _KINDS
        if (seconds := _reset(headers.get(name.format(kind=kind, what="reset"), ""), headers))
        is not None
    ]
    used_up = [seconds for seconds, empty in resets if empty]
    if used_up:
        return min(max(used_up), LONGEST)
    return min((seconds for seconds, _ in resets), default=None)


def headers_of(error: BaseException) -> dict[str, str]:
    """The headers of the answer that an error tells of, with names in lower case."""
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore
        fields = cast("dict[str, Any]", response)
        found: Any = fields.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    else:
        found = getattr(response, "headers", None)
    if not hasattr(found, "items"):
        return {}
    return {str(name).lower(): str(found[name]) for name in found}


def _milliseconds(headers: Mapping[str, str]) -> float | None:
    try:
        seconds = float(headers["retry-after-ms"]) / 1000
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST) if seconds == seconds else None


def _reset(text: str, headers: Mapping[str, str]) -> float | None:
    """Seconds of ``6m0s`` or ``20ms``, or until an RFC 3339 time, by the answer's own date."""
    text = text.strip()
    if not text:
        return None
    if _GO.sub("", text) == "":
        seconds = sum(float(number) * _GO_UNITS[unit] for number, unit in _GO.findall(text))
        return min(seconds, LONGEST)
    try:
        until = datetime.fromisoformat(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        return None
    return _until(until, headers)


def _until(until: datetime, headers: Mapping[str, str]) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        now = parsedate_to_datetime(headers.get("date", ""))
        return min(max((until - now).total_seconds(), 0.0), LONGEST)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
