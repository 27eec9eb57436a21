"""What others wrote is printed as text: nothing in it steers the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.cli.screen import HIDDEN, JOINERS, ago, clean, console, table


@given(st.text(st.characters(exclude_categories=[])), st.booleans())
def test_nothing_is_left_that_steers_a_terminal(text: str, lines: bool) -> None:
    allowed = JOINERS + ("\n\t" if lines else "")
    cleaned = clean(text, lines=lines)

    assert not [c for c in cleaned if c not in allowed and unicodedata.category(c) in HIDDEN]
    cleaned.encode("utf-8")


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("one\ntwo\r\n three", "one two three"),
        ("\u202eevil", "\\u202eevil"),
        ("\x9b2J", "\\x9b2J"),
        ("family 👩\u200d👧", "family 👩\u200d👧"),
    ],
)
def test_what_steers_is_shown_by_its_number(given_text: str, shown: str) -> None:
    assert clean(given_text) == shown


def test_markup_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    console().print(table("title", rows=[("[bold]x[/bold] [/] :smile:",)], title="[red]T"))

    out = capsys.readouterr().out
    assert "[bold]x[/bold] [/] :smile:" in out
    assert "[red]T" in out


def test_a_table_fits_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    long = "word" * 60
    console().print(table("a", "b", "c", rows=[(long, "x", f"{long} {long}")]))

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "".join("".join(lines).split()).count("word") >= 60


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 s"), (0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_a_stretch_of_time_in_words(seconds: float, words: str) -> None:
    assert ago(seconds) == words
