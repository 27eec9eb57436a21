"""Days, as people count them: from midnight to midnight in their time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Day:
    """One day in a time zone.

    Attributes:
        name: as YYYY-MM-DD.
        ends_at: the moment at which the next one begins, in seconds since 1970.
    """

    name: str
    ends_at: float


def day_at(moment: float, zone: str) -> Day:
    """The day of a moment.

    A day is as long as clocks there say: 23 or 25 hours where they are changed. Where they
    are put forward at midnight itself, the next day begins at that moment.

    Args:
        moment: seconds since 1970, such as the board's time.
        zone: a name such as ``Europe/Berlin``.
    """
    there = ZoneInfo(zone)
    date = datetime.fromtimestamp(moment, UTC).astimezone(there).date()
    following = datetime.combine(date + timedelta(days=1), time.min, tzinfo=there)
    return Day(date.isoformat(), following.timestamp())
