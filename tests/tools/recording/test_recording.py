"""Reading recordings: errors name file, line and remedy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.errors import RecordingInvalid, RecordingMismatch
from neveridle.tools.recording import Recording, Scope

ENTRY: dict[str, Any] = {"task": "dispatch:1", "step": 1, "content": "hello"}
HEADER = {"format": "neveridle-recording", "version": 1, "provenance": {"kind": "live"}}


def test_provenance_and_calls(write_file: Callable[..., Path]) -> None:
    recording = Recording.load(write_file(ENTRY, "", {**ENTRY, "step": 2}))

    assert recording.provenance.kind == "authored"
    assert recording.provenance.model == "by hand"
    assert recording.calls == 2


def test_a_file_from_windows(write_file: Callable[..., Path]) -> None:
    entry = {**ENTRY, "content": "eins\r\nzwei\u2028drei ü"}
    path = write_file(json.dumps(entry, ensure_ascii=False), newline="\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    answer = Recording.load(path).authored_answer(Scope("dispatch:1", 1, "work"), 1)

    assert answer.content == "eins\r\nzwei\u2028drei ü"


BROKEN_LINES: list[tuple[list[Any], int, str]] = [
    ([ENTRY, '{"task": '], 3, "not valid JSON"),
    ([ENTRY, "", ENTRY], 4, "as line 2"),
    ([{**ENTRY, "tool_call": []}], 2, "tool_call"),
    ([{**ENTRY, "step": 0}], 2, "step"),
    ([{**ENTRY, "tool_calls": [{"args": {}}]}], 2, "tool_calls.0.name"),
    ([{**ENTRY, "usage": {"input_tokens": -1}}], 2, "usage.input_tokens"),
    (["[]"], 2, "AuthoredEntry"),
    (["[" * 100_000], 2, ""),
]


@pytest.mark.parametrize(("lines", "line", "says"), BROKEN_LINES)
def test_a_broken_line(write_file: Callable[..., Path], lines: Any, line: int, says: str) -> None:
    path = write_file(*lines)

    with pytest.raises(RecordingInvalid) as raised:
        Recording.load(path)

    assert f"{path}:{line}: " in raised.value.message
    assert says in raised.value.message
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (ENTRY, "header is missing"),
        ("[1]", "header is missing"),
        ({**HEADER, "version": 2}, "version 2"),
        ({**HEADER, "provenance": {"kind": "guessed"}}, "provenance.kind"),
    ],
)
def test_a_broken_header(write_file: Callable[..., Path], header: Any, says: str) -> None:
    path = write_file(header=header)

    with pytest.raises(RecordingInvalid) as raised:
        Recording.load(path)

    assert f"{path}:1: " in raised.value.message
    assert says in raised.value.message
    assert raised.value.remedy


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")

    for name in ("missing", "empty", "binary", "."):
        with pytest.raises(RecordingInvalid) as raised:
            Recording.load(tmp_path / name)
        assert raised.value.remedy


def test_a_live_line_edited_by_hand(write_file: Callable[..., Path]) -> None:
    entry: dict[str, Any] = {
        "key": "0" * 64,
        "scope": {"task": "t", "attempt": 1, "purpose": "work"},
        "request": {"model": {}, "messages": [], "tools": [], "options": {}, "stop": []},
        "response": {"content": "x"},
        "seconds": 1.0,
    }

    with pytest.raises(RecordingInvalid, match=r":2: the key does not belong"):
        Recording.load(write_file(json.dumps(entry), header=HEADER))


def test_an_answer_that_asks_for_words_in_the_prompt_goes_first(
    authored: Callable[..., Recording],
) -> None:
    told = {**ENTRY, "when": "Look first.", "content": "I look."}
    recording = authored(told, ENTRY, {**told, "step": 2})
    scope = Scope("dispatch:1", 1, "work")

    assert recording.authored_answer(scope, 1, "# Lessons: Look first.").content == "I look."
    assert recording.authored_answer(scope, 1, "# Lessons: none").content == "hello"
    with pytest.raises(RecordingMismatch):
        recording.authored_answer(scope, 2, "nothing")


def test_a_missing_answer_says_what_was_asked_and_what_is_there(
    authored: Callable[..., Recording],
) -> None:
    recording = authored(ENTRY, {**ENTRY, "attempt": 2, "step": 3, "purpose": "learn"})

    with pytest.raises(RecordingMismatch) as raised:
        recording.authored_answer(Scope("dispatch:1", 2, "work"), 4)
    message = raised.value.message
    assert str(recording.path) in message
    assert "'dispatch:1', attempt 2, purpose 'work', step 4" in message
    assert "attempt 1 work step 1, attempt 2 learn step 3" in message

    with pytest.raises(RecordingMismatch, match="only for: 'dispatch:1'"):
        recording.authored_answer(Scope("dispatch:2", 1, "work"), 1)
