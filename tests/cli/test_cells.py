"""Text by the cells it takes: no line is longer than it may be, whatever is in it."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from neveridle.cli.cells import Column, Line, cells, cut, grid, pad, plain, wrap
from neveridle.cli.sections import Section, fitted, stacked

WIDE = [
    "日本語のとても長い題名", "👩\u200d👩\u200d👧 x", "❤\ufe0f heart", "e\u0301a\u0308", "\x1b[2J",
    "\u202eabc", "\ufe0f", "한국어", "🇩🇪", "tab\tnew\nline", "", " ", "x" * 300, "\u200d", "ﷺ" * 40,
]  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(WIDE),
    st.lists(st.sampled_from([*WIDE, "word"]), max_size=8).map(" ".join),
)


def letters(text: str) -> int:
    """Cells as the Unicode database has them: told by nothing of ours, nor by rich."""
    return sum(
        2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
        if unicodedata.category(one) not in ("Mn", "Me", "Cf")
    )


@given(TEXTS, st.integers(0, 200))
def test_a_text_is_cut_and_filled_up_to_its_width(text: str, width: int) -> None:
    short = cut(text, width)

    assert cells(short) <= width
    assert max(cell_len(short), letters(short)) <= max(width, cells(short))
    assert cells(pad(text, width)) == cells(pad(text, width, right=True)) == width
    assert not any(unicodedata.category(one) in ("Cc", "Cs", "Co") for one in short)


@given(TEXTS, st.integers(4, 200), st.integers(1, 5))
def test_a_wrapped_text_keeps_its_words_and_its_width(text: str, width: int, most: int) -> None:
    lines = wrap(text, width, most)

    assert len(lines) <= most
    assert max(map(cells, lines)) <= width
    if len(lines) < most and not any("…" in line for line in lines):
        assert "".join(" ".join(lines).split()) == "".join(cut(text, 100_000).split())


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Column], list[list[str]]]:
    count = draw(st.integers(1, 6))
    columns = [
        Column(draw(TEXTS), draw(st.integers(1, 20)), draw(st.none() | st.integers(20, 40)),
               draw(st.booleans()))
        for _ in range(count)
    ]  # fmt: skip
    rows = st.lists(st.lists(TEXTS, min_size=count, max_size=count), max_size=6)
    return columns, draw(rows)


@given(tables(), st.integers(40, 200))
def test_no_line_of_a_table_is_longer_than_the_screen(
    table: tuple[list[Column], list[list[str]]], width: int
) -> None:
    columns, rows = table
    lines = grid(columns, rows, width)

    assert len(lines) == len(rows) + 1
    for line in lines:
        text = plain(line)
        assert max(cells(text), cell_len(text), letters(text)) <= width
        assert "\n" not in text


def test_what_fits_is_shown_whole_and_the_widest_column_gives_way_first() -> None:
    columns = [Column("a", 2), Column("b", 4), Column("c", 4, right=True)]
    rows = [("x", "a long text that has to give way", "12")]

    assert [plain(line) for line in grid(columns, rows, 60)] == [
        "a  b                                  c",
        "x  a long text that has to give way  12",
    ]
    assert [plain(line) for line in grid(columns, rows, 40)][1] == (
        "x  a long text that has to give way  12"
    )
    assert [plain(line) for line in grid(columns, rows, 20)][1] == "x  a long text…   12"


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(0, 3), st.integers(0, 6)),
        min_size=1, max_size=9,
    ),
    st.integers(1, 60),
)  # fmt: skip
def test_sections_share_the_height_there_is(shapes: Any, height: int) -> None:
    def line(text: str) -> Line:
        return [(text, "")]

    sections = [
        Section([line(f"head {number}")] * heads,
                [line(f"{number}.{row}") for row in range(rows)], least, rank)
        for number, (heads, rows, least, rank) in enumerate(shapes)
    ]  # fmt: skip
    whole = stacked(sections)
    shown = fitted(sections, height)

    assert len(shown) <= height
    if len(whole) <= height:
        assert shown == whole


@pytest.mark.parametrize(
    ("text", "width"), [("ab", 2), ("日本", 4), ("❤\ufe0f", 2), ("e\u0301", 1)]
)
def test_cells(text: str, width: int) -> None:
    assert cells(text) == width
