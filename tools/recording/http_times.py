"""Times in recorded answers: moved to when they are replayed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

_NUMBER: Final = re.compile(r"[0-9]{10}(?:[0-9]{3})?(?:\.[0-9]{1,9})?", re.ASCII)
_FIRST, _LAST = 946_684_800, 4_102_444_800  # of 2000, of 2100: what lies between may be a time
# A whole JSON string that is a moment with a zone; the quotes keep words in sentences out.
_MOMENT: Final = re.compile(
    r'(?<=")(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})(?=")'
)


def moved_header(name: str, value: str, seconds: float) -> str:
    """A header's value, ``seconds`` later where it is a moment.

    ``Date``, a ``Retry-After`` that is a date, and a limit's reset in seconds or milliseconds
    since 1970, or in ISO 8601, move; a number of seconds to wait stays.
    """
    if not seconds:
        return value
    if name in ("date", "retry-after"):
        return _moved_date(value, seconds)
    if "reset" in name:
        return moved_number(value, seconds) if value.strip()[:1].isdigit() else value
    return value


def moved_number(value: str, seconds: float) -> str:
    """Seconds or milliseconds since 1970, moved; an ISO 8601 moment, too; all else as it is."""
    said = value.strip()
    if not _NUMBER.fullmatch(said):
        return moved_text(f'"{value}"', seconds)[1:-1]
    whole, dot, fraction = said.partition(".")
    unit = 1000 if len(whole) == 13 else 1
    if not _FIRST <= int(whole) / unit <= _LAST:
        return value
    return f"{int(whole) + round(seconds * unit)}{dot}{fraction}"


def moved_text(text: str, seconds: float) -> str:
    """JSON in which each string that is a moment, with its zone, is ``seconds`` later."""
    if not seconds:
        return text
    return _MOMENT.sub(lambda found: _moved_moment(found, seconds), text)


def _moved_moment(found: re.Match[str], seconds: float) -> str:
    day, clock, fraction, zone = found[1], found[2], found[3] or "", found[4]
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}") + timedelta(seconds=round(seconds))
    except (ValueError, OverflowError):
        return found[0]
    return f"{moment.isoformat(timespec='seconds')}{fraction}{zone}"


def _moved_date(value: str, seconds: float) -> str:
    try:
        found = parsedate_to_datetime(value)
        moment = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        return format_datetime(moment + timedelta(seconds=round(seconds)), usegmt=True)
    except (ValueError, TypeError, IndexError, OverflowError):
        return value
