"""Days of budgets: from midnight to midnight where the team lives."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.board.day import day_at

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia",
         "America/Santiago", "Africa/Cairo", "America/Havana", "Australia/Lord_Howe"]  # fmt: skip
MOMENTS = st.floats(0, 4_000_000_000, allow_nan=False)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("moment", "zone", "name", "ends"),
    [
        ("2026-06-01T23:59:59", "UTC", "2026-06-01", "2026-06-02T00:00"),
        ("2026-06-01T23:59:59", "Europe/Berlin", "2026-06-02", "2026-06-02T22:00"),
        ("2026-06-01T23:59:59", "America/New_York", "2026-06-01", "2026-06-02T04:00"),
        ("2026-03-28T23:00", "Europe/Berlin", "2026-03-29", "2026-03-29T22:00"),  # 23 hours
        ("2026-10-24T22:00", "Europe/Berlin", "2026-10-25", "2026-10-25T23:00"),  # 25 hours
    ],
)
def test_a_day_is_as_long_as_the_clocks_there_say(
    moment: str, zone: str, name: str, ends: str
) -> None:
    day = day_at(at(moment), zone)
    assert (day.name, day.ends_at) == (name, at(ends))


@given(moment=MOMENTS, zone=st.sampled_from(ZONES))
def test_days_follow_each_other_without_a_gap(moment: float, zone: str) -> None:
    day = day_at(moment, zone)
    assert moment < day.ends_at <= moment + 26 * 3600
    assert day_at(day.ends_at - 0.001, zone).name == day.name
    following = day_at(day.ends_at, zone)
    assert following.name > day.name
    assert following.name == datetime.fromtimestamp(day.ends_at, ZoneInfo(zone)).date().isoformat()
