from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from neveridle.memory.embedding.windows import spans


def _offsets(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]


def _pieces(text: str, limit: int) -> list[str]:
    offsets = _offsets(text)
    return [
        text[offsets[begin][0] : offsets[end - 1][1]] for begin, end in spans(text, offsets, limit)
    ]


@given(
    st.lists(st.sampled_from(["word", "a", ".", "!\n", "。", "日本", '."', "\n\n", ",", " "])),
    st.integers(1, 9),
)
def test_every_token_is_in_one_window(parts: list[str], limit: int) -> None:
    text = " ".join(parts)
    offsets = _offsets(text)
    found = spans(text, offsets, limit)
    assert [at for begin, end in found for at in range(begin, end)] == list(range(len(offsets)))
    assert all(0 < end - begin <= limit for begin, end in found) or offsets == []


def test_a_text_that_fits_is_one_window() -> None:
    assert spans("", [], 5) == [(0, 0)]
    assert _pieces("One two. Three.", 5) == ["One two. Three."]


def test_windows_end_where_sentences_do() -> None:
    text = "The first one ends here. Is this one as long? It says so, at least! Then 3.14 is pi."
    assert _pieces(text, 8) == [
        "The first one ends here.",
        "Is this one as long?",
        "It says so, at least!",
        "Then 3.14 is pi.",
    ]
    assert _pieces('He said "no more of it." And he left us there for good.', 10)[0].endswith(
        'it."'
    )
    assert _pieces("eins zwei drei vier\nfünf sechs sieben acht", 5)[0] == "eins zwei drei vier"
    assert _pieces("日 本 語 。日 本 語 。", 6)[0] == "日 本 語 。"


def test_or_else_where_words_do() -> None:
    text = "a-b-c d-e-f-g h-i-j"
    assert _pieces(text, 7) == ["a-b-c", "d-e-f-g", "h-i-j"]


def test_windows_are_about_equally_long() -> None:
    text = "word " * 101
    lengths = [len(piece.split()) for piece in _pieces(text, 100)]
    assert sum(lengths) == 101
    assert min(lengths) >= 45, "no window of one word, which would be like anything"


def test_what_has_no_end_is_cut_anyway() -> None:
    offsets = [(at, at + 1) for at in range(1000)]
    found = spans("x" * 1000, offsets, 10)
    assert len(found) == 100
