"""Replacing a piece of a text keeps everything else, byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from neveridle.errors import EditRejected
from neveridle.tools.repository.editing import edit_text, with_endings_of

words = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=6)
blocks = st.lists(words, min_size=1, max_size=4)


@given(
    blocks, blocks, blocks, blocks, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["\n", "\r\n"])
)
def test_only_the_piece_changes_and_endings_stay(
    before: list[str], old: list[str], new: list[str], after: list[str], ending: str, typed: str
) -> None:
    unique = ["<unique>", *old]
    text = ending.join([*before, *unique, *after])
    assume(text.count(ending.join(unique)) == 1 and new != unique)

    edited, line = edit_text(text, typed.join(unique), typed.join(new))

    assert edited == ending.join([*before, *new, *after])
    assert line == len(before) + 1


@given(blocks, st.integers(2, 30))
def test_what_occurs_several_times_is_refused_with_its_lines(block: list[str], times: int) -> None:
    assume(any(block))
    piece = "<piece>" + "\n".join(block)
    with pytest.raises(EditRejected, match=f"occurs {times} times"):
        edit_text("\n".join([piece] * times), piece, "x")


def test_refusals_help() -> None:
    text = "def one():\n    return 1\n\ndef two():\n    return 2\n"
    with pytest.raises(EditRejected, match=r"(?s)nearest lines are.*5: return 2"):
        edit_text(text, "    retrun 2", "    return 3")
    with pytest.raises(EditRejected, match="Nothing like it"):
        edit_text(text, "∑∑∑∑", "x")
    with pytest.raises(EditRejected, match="write_file"):
        edit_text(text, "", "x")
    with pytest.raises(EditRejected, match="nothing would change"):
        edit_text("a\r\nb\r\n", "a\nb", "a\nb")


def test_mixed_endings_keep_those_around_the_piece() -> None:
    edited, _ = edit_text("a\r\nb\nc\r\nd\r\n", "b\nc", "x\ny")

    assert edited == "a\r\nx\ny\r\nd\r\n"


def test_a_new_line_in_one_takes_the_files_usual_ending() -> None:
    assert edit_text("a\r\nb\r\n", "b", "x\ny")[0] == "a\r\nx\r\ny\r\n"


@pytest.mark.parametrize(
    ("before", "expected"),
    [("a\r\nb", "x\r\ny\r\n"), ("a\nb", "x\ny\n"), ("a\r\nb\n", "x\ny\n"), ("", "x\ny\n")],
)
def test_a_rewritten_file_keeps_windows_endings(before: str, expected: str) -> None:
    assert with_endings_of("x\ny\n", before) == expected
