"""What answers say about when to come back, whatever stands in them."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.tools.services.answers import LONGEST, seconds_until, wait_of, words_of

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
DATE = format_datetime(NOW, usegmt=True)


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("0", 0.0), ("7", 7.0), (" 7 ", 7.0), ("7.5", 7.5), ("9" * 200, LONGEST), ("", None),
        ("9" * 400, None), ("-5", None), ("nan", None), ("inf", None), ("1e9", None),
        ("1_000", None), ("٣", None), ("soon", None), ("Thu, 99 Foo 2026", None),
        ("Sun, 01 Mar 2026 12:01:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 14:01:00 +0200", 60.0),
        ("Sun, 01 Mar 2026 12:01:00 -0000", 60.0),
        ("Sun, 01 Mar 2026 12:01:00", 60.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Fri, 01 Jan 2999 00:00:00 GMT", LONGEST),
    ],
)  # fmt: skip
def test_what_retry_after_means(said: str, wait: float | None) -> None:
    assert wait_of({"retry-after": said, "date": DATE}) == wait


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone cannot be set here")
def test_a_date_without_a_zone_is_not_one_of_this_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert wait_of({"retry-after": "Sun, 01 Mar 2026 12:01:00 -0000", "date": DATE}) == 60
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_date_is_compared_with_the_services_own() -> None:
    assert wait_of({"retry-after": "Sun, 01 Mar 2026 12:01:00 GMT"}) is None
    assert wait_of({"retry-after": DATE, "date": "yesterday"}) is None
    assert wait_of({}) is None


@given(seconds=st.integers(0, 86_400), zone=st.integers(-12 * 60, 14 * 60))
def test_a_date_means_the_same_in_each_zone(seconds: int, zone: int) -> None:
    until = (NOW + timedelta(seconds=seconds)).astimezone(timezone(timedelta(minutes=zone)))
    assert wait_of({"retry-after": format_datetime(until), "date": DATE}) == seconds


@given(said=st.text(), date=st.text())
def test_nothing_that_is_said_does_harm(said: str, date: str) -> None:
    for headers in ({"retry-after": said, "date": date}, {"retry-after": said, "date": DATE}):
        wait = wait_of(headers)
        assert wait is None or 0 <= wait <= LONGEST
        wait = seconds_until(said, headers, 0.0)
        assert wait is None or 0 <= wait <= LONGEST


@given(number=st.floats())
def test_numbers_are_bounded(number: float) -> None:
    for said in (str(number), repr(number), f"{number:f}"):
        wait = wait_of({"retry-after": said, "date": DATE})
        assert wait is None or (0 <= wait <= LONGEST and math.isfinite(wait))
        wait = seconds_until(said, {"date": DATE}, 0.0)
        assert wait is None or (0 <= wait <= LONGEST and math.isfinite(wait))


def test_a_moment_is_compared_with_the_services_own_time() -> None:
    then = str(int(NOW.timestamp()) + 90)
    assert seconds_until(then, {"date": DATE}, 0.0) == 90
    assert seconds_until(then, {}, NOW.timestamp() + 60) == 30
    assert seconds_until("nan", {"date": DATE}, 0.0) is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"message": "Bad credentials", "status": "401"}, "Bad credentials"),
        ({"error": {"code": "forbidden", "message": "Not yours"}}, "Not yours"),
        ({"message": "Invalid", "errors": [{"field": "head"}]}, 'Invalid [{"field": "head"}]'),
        ({"error": "not_found"}, "not_found"),
        ({"message": " ", "code": 7}, '{"message": " ", "code": 7}'),
        (["no"], '["no"]'),
        (None, "null"),
    ],
)
def test_an_answer_is_told_in_its_own_words(data: object, words: str) -> None:
    assert words_of(data) == words
