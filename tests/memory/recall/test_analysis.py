"""Texts taken apart for search."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.memory.recall.analysis import analyse, pack, terms_blob, terms_of, unpack
from neveridle.memory.recall.dates import MAX_SPANS, day_of, spans

AT = dt.datetime(2023, 5, 8, 13, tzinfo=dt.UTC).timestamp()


def days(text: str, at: float | None = AT) -> list[tuple[str, str]]:
    """First and last day of each span, in ISO form."""
    return [
        (dt.date.fromordinal(s.first).isoformat(), dt.date.fromordinal(s.last).isoformat())
        for s in spans(text, at)
    ]


@given(st.text(max_size=300), st.none() | st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_survives_packing(text: str, at: float | None) -> None:
    made = analyse(text, at)
    back = unpack(pack(made))
    assert back.terms.tolist() == made.terms.tolist() == sorted(set(made.terms.tolist()))
    assert back.counts.tolist() == made.counts.tolist()
    assert back.spans.tolist() == made.spans.tolist()
    assert back.length == made.length == int(made.counts.sum())
    assert back.asks == pytest.approx(made.asks, abs=0.005)
    assert back.number == made.number


@pytest.mark.parametrize(
    "text", ["", "\0", "\ud800", "😀" * 50, "a" * 300_000, "." * 20_000, "a." * 20_000, "שלום עולם"]
)
def test_odd_texts_are_analysed(text: str) -> None:
    made, back = analyse(text, AT), unpack(terms_blob(text, AT))
    assert back.terms.tolist() == made.terms.tolist()
    assert len(set(back.terms.tolist())) == len(back.terms) == len(back.counts)
    assert (back.counts > 0).all()


def test_words_meet_in_their_stems() -> None:
    assert set(terms_of("She was running races")) & set(terms_of("a race to run")) >= {
        "run",
        "race",
    }
    assert not terms_of("what would you have been doing there")


def test_identifiers_are_found_whole_and_in_parts() -> None:
    terms = set(
        terms_of("AGT-275 broke fetch_user_name and getUserName in src/app/main.py at v1.2.3")
    )
    assert {"agt-275", "275", "v1.2.3", "user", "main"} <= terms
    assert set(terms_of("agt-275")) <= terms
    assert set(terms_of("getUserName")) & terms >= set(terms_of("getusername"))


def test_scripts_without_spaces_are_found_by_pairs() -> None:
    assert "日本" in terms_of("私は日本に住んでいます")
    assert set(terms_of("日本")) <= set(terms_of("私は日本に住んでいます"))


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x09" + bytes(9), terms_blob("some words")[:-1]])
def test_other_bytes_are_refused(blob: bytes) -> None:
    with pytest.raises(ValueError, match="analyse the text again"):
        unpack(blob)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("I went yesterday", "2023-05-07", "2023-05-07"),
        ("last Saturday", "2023-05-06", "2023-05-06"),
        ("last Monday", "2023-05-01", "2023-05-01"),
        ("next month", "2023-06-01", "2023-06-30"),
        ("last week", "2023-05-01", "2023-05-07"),
        ("two weeks ago", "2023-04-21", "2023-04-27"),
        ("last year", "2022-01-01", "2022-12-31"),
        ("on 2023-02-28", "2023-02-28", "2023-02-28"),
        ("3rd of June, 2021", "2021-06-03", "2021-06-03"),
        ("in December", "2022-12-01", "2022-12-31"),
        ("October", "2023-10-01", "2023-10-31"),
    ],
)
def test_days_are_seen_from_the_texts_own_day(text: str, first: str, last: str) -> None:
    assert days(text) == [(first, last)]


def test_without_a_time_nothing_is_guessed() -> None:
    assert not spans("yesterday, last week, 2 days ago")
    assert days("on 3 June", None) == [("0001-06-03", "0001-06-03")]
    assert [s.first for s in spans("in May", AT, years=False)] == [dt.date(1, 5, 1).toordinal()]


def test_what_is_no_day_is_left() -> None:
    assert not days("31 February 2023; you may go; march on; 0 days ago 9999 years ago")[1:]
    assert (
        len(spans(" ".join(f"on {d} {m} 2020" for m in ("May", "June") for d in range(1, 29))))
        == MAX_SPANS
    )


@given(st.floats(allow_nan=False))
def test_any_time_has_a_day(at: float) -> None:
    assert 1 <= day_of(at) <= dt.date.max.toordinal()
    spans("yesterday and 999 years ago and next month and last weekend", at)


def test_days_of_epoch() -> None:
    assert day_of(0) == dt.date(1970, 1, 1).toordinal()
    assert day_of(-1) == dt.date(1969, 12, 31).toordinal()
    assert np.int32(day_of(1e18)) == dt.date.max.toordinal()
