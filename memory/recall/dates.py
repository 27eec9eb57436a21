"""Days a text speaks of: dates, months, years, and words like "yesterday" seen from its own day."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass

MAX_SPANS = 16
"""A text speaks of no more days than that; a log of a thousand lines is not about a thousand."""

_MONTHS = {
    **{name.lower(): i for i, name in enumerate(calendar.month_name) if name},
    **{name.lower(): i for i, name in enumerate(calendar.month_abbr) if name},
    "sept": 9,
}
_DAYS = {name.lower(): i for i, name in enumerate(calendar.day_name)}
_SMALL = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "couple of": 2,
    "three": 3,
    "few": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
}
_M = "|".join(sorted(_MONTHS, key=len, reverse=True))
_N = r"\d{1,3}|" + "|".join(_SMALL)
_WHEN = re.compile(
    rf"""
    \b(?P<iso>(?:19|20)\d\d)-(?P<iso_m>\d\d?)(?:-(?P<iso_d>\d\d?))?\b
  | \b(?P<d1>\d\d?)(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m1>{_M})\b\.?(?:,?\s+(?P<y1>(?:19|20)\d\d))?
  | \b(?P<m2>{_M})\b\.?\s+(?P<d2>\d\d?)(?:st|nd|rd|th)?\b(?!\d|:|%)(?:,?\s+(?P<y2>(?:19|20)\d\d))?
  | \b(?P<m3>{_M})\b\.?,?\s+(?:of\s+)?(?P<y3>(?:19|20)\d\d)
  | \b(?:in|during|since|until|by|early|late|mid|last|next|this|of)[\s-]+(?P<m4>{_M})\b
  | \b(?P<m5>{
        "|".join(
            name.lower()
            for name in calendar.month_name
            if name and name != "May" and name != "March"
        )
    })\b
  | \b(?:in|since|during|of)\s+(?P<y6>(?:19|20)\d\d)\b
  | \b(?P<word>yesterday|today|tonight|tomorrow|this\ (?:morning|afternoon|evening)|last\ night)\b
  | \b(?P<side>last|next|this|past|coming|previous)\s+(?P<unit>week|month|year|weekend|
        {"|".join(_DAYS)})\b
  | \b(?P<n>{_N})\s+(?P<nunit>day|week|month|year)s?\s+(?P<dir>ago|back|from\ now|later)\b
    """,
    re.VERBOSE,
)
_EPOCH = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Span:
    """Some days on end, both ends included, as proleptic ordinals (``date.toordinal``).

    Attributes:
        first: the first day. Where the text names no year: of the year 1.
        last: the last day.
    """

    first: int
    last: int


def day_of(at: float) -> int:
    """The proleptic ordinal of a time in seconds since 1970 (UTC), of the years 1 to 9999."""
    day = at // 86_400 if abs(at) < 1e13 else (1e9 if at > 0 else -1e9)
    return int(min(max(_EPOCH + day, 1), dt.date.max.toordinal()))


def spans(text: str, at: float | None = None, *, years: bool = True) -> list[Span]:
    """The days a text speaks of, in the order of its words, at most 16.

    Args:
        text: anything.
        at: when it was written, in seconds since 1970 (UTC). Without it words like "yesterday" say
            nothing, and a day or month without a year stands in the year 1; with it, in the year
            that brings it closest.
        years: False: a day or month without a year stands in the year 1 all the same, because a
            question may be about any year.
    """
    today = None if at is None else dt.date.fromordinal(day_of(at))
    out: list[Span] = []
    for match in _WHEN.finditer(text.lower()):
        try:
            span = _resolved(match.groupdict(), today, years)
        except (ValueError, OverflowError):  # the 31st of February, the year 10000
            continue
        if span is not None and span not in out:
            out.append(span)
            if len(out) == MAX_SPANS:
                break
    return out


def _resolved(got: dict[str, str | None], now: dt.date | None, years: bool) -> Span | None:
    today = now if years else None
    for y, m, d in (("iso", "iso_m", "iso_d"), ("y1", "m1", "d1"), ("y2", "m2", "d2")):
        if name := got[m]:
            month = int(name) if y == "iso" else _MONTHS[name]
            return _dated(got[y], month, got[d], today)
    for year, m in ((got["y3"], "m3"), (None, "m4"), (None, "m5")):
        if name := got[m]:
            return _dated(year, _MONTHS[name], None, today)
    if only := got["y6"]:
        return Span(dt.date(int(only), 1, 1).toordinal(), dt.date(int(only), 12, 31).toordinal())
    return None if now is None else _relative(got, now)


def _dated(year: str | None, month: int, day: str | None, today: dt.date | None) -> Span:
    if year is not None:
        y = int(year)
    elif today is None:
        y = 1
    else:  # the year in which that month is closest to the text's own
        away = (month - today.month + 6) % 12 - 6
        y = today.year + (today.month + away - 1) // 12
    if day is not None:
        one = dt.date(y, month, int(day)).toordinal()
        return Span(one, one)
    first = dt.date(y, month, 1).toordinal()
    return Span(first, first + calendar.monthrange(y, month)[1] - 1)


def _relative(got: dict[str, str | None], today: dt.date) -> Span | None:
    now = today.toordinal()
    if word := got["word"]:
        day = now + {"yesterday": -1, "last night": -1, "tomorrow": 1}.get(word, 0)
        return Span(day, day)
    if n := got["n"]:
        count = int(n) if n.isdigit() else _SMALL[n]
        days = {"day": 1, "week": 7, "month": 30, "year": 365}[got["nunit"] or "day"]
        middle = now + count * days * (1 if got["dir"] in {"from now", "later"} else -1)
        slack = {1: 0, 7: 3, 30: 15, 365: 182}[days]
        return _bounded(middle - slack, middle + slack)
    unit, side = got["unit"], got["side"]
    if unit is None:
        return None
    step = {"last": -1, "past": -1, "previous": -1, "this": 0}.get(side or "", 1)
    if unit in _DAYS:
        away = (_DAYS[unit] - today.weekday()) % 7
        if step < 0:
            away = away - 7 or -7
        return _bounded(now + away, now + away)
    monday = now - today.weekday()
    if unit == "week":
        return _bounded(monday + 7 * step, monday + 7 * step + 6)
    if unit == "weekend":
        return _bounded(monday + 7 * step + 5, monday + 7 * step + 6)
    if unit == "year":
        y = today.year + step
        return Span(dt.date(y, 1, 1).toordinal(), dt.date(y, 12, 31).toordinal())
    months = today.year * 12 + today.month - 1 + step
    return _dated(str(months // 12), months % 12 + 1, None, today)


def _bounded(first: int, last: int) -> Span:
    for day in (first, last):
        dt.date.fromordinal(day)  # raises for what is no day of the years 1 to 9999
    return Span(first, last)
