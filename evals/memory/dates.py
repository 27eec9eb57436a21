"""When a session was, as people and programs write it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_TIMES = ("", "%H:%M", "%I:%M %p", "%H:%M:%S", "%I:%M:%S %p", "%I %p")
_DAYS = (
    "%d %B %Y",
    "%d %b %Y",
    "%B %d %Y",
    "%b %d %Y",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
)
_WEEKDAY = re.compile(r"\b(mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?\b\.?", re.I)
_ORDINAL = re.compile(r"(?<=\d)(st|nd|rd|th)\b", re.I)
_MILLISECONDS = 1e11  # a number above it counts milliseconds: in seconds it would be year 5138


def seconds_of(written: Any) -> float | None:
    """Seconds since 1970; None for what is no date. Without a zone it is UTC.

    Understands ISO 8601, ``1:56 pm on 8 May, 2023``, ``8 May 2023``, ``May 8, 2023 13:56``,
    ``2023/05/08 (Mon) 13:56``, and seconds or milliseconds since 1970.
    """
    if isinstance(written, bool) or not isinstance(written, (str, int, float)):
        return None
    if isinstance(written, (int, float)):
        return _since_1970(float(written))
    text = written.strip()
    if re.fullmatch(r"\d{9,13}(\.\d+)?", text):
        return _since_1970(float(text))
    try:
        return _stamp(datetime.fromisoformat(text))
    except ValueError:
        return _of_words(text)


def _of_words(text: str) -> float | None:
    text = _ORDINAL.sub("", _WEEKDAY.sub(" ", text))
    text = re.sub(r"\b(on|at|of)\b|[,()]", " ", text, flags=re.IGNORECASE)
    text = re.sub(r"([ap])\.m\.?", r"\1m", text, flags=re.IGNORECASE)
    text = re.sub(r"(?<=\d)\s*([ap]m)\b", r" \1", text, flags=re.IGNORECASE)
    text = " ".join(text.replace(" UTC", " ").split())
    for day in _DAYS:
        for time in _TIMES:
            for order in (f"{time} {day}", f"{day} {time}"):
                try:
                    return _stamp(datetime.strptime(text, order.strip()))  # noqa: DTZ007 - _stamp adds UTC
                except ValueError:
                    continue
    return None


def _since_1970(number: float) -> float | None:
    seconds = number / 1000 if number > _MILLISECONDS else number
    return seconds if 0 < seconds <= _MILLISECONDS else None


def _stamp(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
