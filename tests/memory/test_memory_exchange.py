from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.board import Board
from neveridle.errors import ImportInvalid
from neveridle.memory import Memory, Turn
from neveridle.memory.exchange import LONGEST, read_lines
from neveridle.memory.exchange_line import BadLine, read_line

TOLD = ("agent", "kind", "text", "tags", "source", "importance", "at", "trusted", "visibility",
        "origin", "position", "author", "task")  # fmt: skip


def _file(*lines: object) -> io.BytesIO:
    return io.BytesIO(b"".join(json.dumps(line).encode() + b"\n" for line in lines))


@pytest.fixture
async def other(
    open_board: Callable[..., Awaitable[Board]], open_memory: Callable[..., Memory], tmp_path: Path
) -> tuple[Board, Memory]:
    """An empty board, and a memory over it."""
    board = await open_board("other.db")
    return board, open_memory(store=board.memories, home=tmp_path / "other")


async def _rows(board: Board) -> list[dict[str, Any]]:
    rows = await board.memories.newest(1_000)
    return [{name: getattr(row, name) for name in TOLD} for row in reversed(rows)]


async def _fill(memory: Memory) -> None:
    await memory.remember(
        "naïve 日本 \u202e 🦩\nsecond line", agent="sam", kind="fact", tags=["a", "b"], at=12.5,
        source="task:7", importance=0.9, trusted=True, visibility="team", origin="person", task=7,
    )  # fmt: skip
    await memory.remember("private one", agent="leo")
    await memory.remember_episode(
        [Turn("Ann", "ok", 5.0), Turn("Bo", "ok", 6.0), Turn("Ann", "ok", 7.0)],
        agent="sam", key="standup", title="About the heron",
    )  # fmt: skip


async def test_what_is_exported_comes_back_as_it_was(
    memory: Memory, board: Board, other: tuple[Board, Memory], tmp_path: Path
) -> None:
    await _fill(memory)
    path = tmp_path / "out.jsonl"
    assert await memory.export(path, private=True) == 5
    assert path.stat().st_mode & 0o777 == 0o600
    there, taken = other
    done = await taken.import_(path, trust=True)
    assert (done.read, done.added, done.known, done.bad) == (5, 5, 0, 0)
    assert await _rows(there) == await _rows(board)
    again = tmp_path / "again.jsonl"
    await taken.export(again, private=True)
    assert again.read_bytes() == path.read_bytes()
    # Here and there, all of it is known.
    for one in (memory, taken):
        done = await one.import_(path)
        assert (done.added, done.known) == (0, 5)


async def test_only_what_is_shared_is_exported_unasked(memory: Memory) -> None:
    await _fill(memory)
    counts: list[int] = []
    asks: list[dict[str, Any]] = [
        {},
        {"private": True},
        {"agent": "leo"},
        {"agent": "sam"},
        {"agent": "max"},
    ]
    for asked in asks:
        file = io.BytesIO()
        counts.append(await memory.export(file, **asked))
        assert len(file.getvalue().splitlines()) == counts[-1]
    assert counts == [1, 5, 1, 4, 0]


async def test_a_file_that_is_trusted_by_nobody(other: tuple[Board, Memory]) -> None:
    board, memory = other
    lines = [
        {"text": "one", "agent": "sam", "trusted": True},
        {"text": "two", "agent": "sam", "trusted": True, "origin": "tool"},
    ]
    await memory.import_(_file(lines[0]))
    await memory.import_(_file({**lines[0], "text": "three"}, lines[1]), trust=True)
    trusted = {row["text"]: row["trusted"] for row in await _rows(board)}
    assert trusted == {"one": False, "three": True, "two": False}


BAD: list[tuple[bytes, str]] = [
    (b"nonsense", "no JSON"),
    (b"[1]", "no JSON object"),
    (b'{"agent": "sam"}', "text is missing"),
    (b'{"text": "x"}', "agent is missing"),
    (b'{"text": "\\u0000", "agent": "sam"}', "text is missing"),
    (b'{"text": 5, "agent": "sam"}', "text must be text"),
    (b'{"text": "x", "agent": "sam", "tags": [1]}', "tags must be"),
    (b'{"text": "x", "agent": "sam", "at": "gestern"}', "at is no time"),
    (b'{"text": "x", "agent": "sam", "at": NaN}', "finite"),
    (b'{"text": "x", "agent": "sam", "at": 1e999}', "finite"),
    (b'{"text": "x", "agent": "sam", "importance": 2}', "importance"),
    (b'{"text": "x", "agent": "sam", "importance": true}', "must be a number"),
    (b'{"text": "x", "agent": "sam", "visibility": "all"}', "visibility must be"),
    (b'{"text": "x", "agent": "sam", "position": -1}', "position must be"),
    (b'{"text": "\xff", "agent": "sam"}', "not UTF-8"),
    (b"[" * 100_000, "no JSON"),
]


@pytest.mark.parametrize(("raw", "why"), BAD)
def test_a_line_that_is_no_memory(raw: bytes, why: str) -> None:
    with pytest.raises(BadLine, match=why):
        read_line(raw)


async def test_bad_lines_are_named_and_good_ones_kept(other: tuple[Board, Memory]) -> None:
    board, memory = other
    good = b'{"text": "good %d", "agent": "sam"}'
    lines = [good % 1, b"", *(raw for raw, _ in BAD), b"x" * (LONGEST + 5), good % 2]
    done = await memory.import_(io.BytesIO(b"\xef\xbb\xbf" + b"\r\n".join(lines)))
    assert [number for number, _ in done.problems] == list(range(3, len(lines)))
    assert (done.added, done.bad) == (2, len(BAD) + 1)
    assert [row["text"] for row in await _rows(board)] == ["good 1", "good 2"]


async def test_strict_takes_all_or_nothing(other: tuple[Board, Memory]) -> None:
    board, memory = other
    good = {"text": "good", "agent": "sam"}
    for bad in ({"text": "x"}, {**good, "colour": "red"}):
        with pytest.raises(ImportInvalid, match="Line 2"):
            await memory.import_(_file(good, bad), strict=True)
    assert await board.memories.count() == {}
    assert (await memory.import_(_file(good), strict=True)).added == 1


async def test_strange_fields_are_left_out_and_counted(other: tuple[Board, Memory]) -> None:
    _, memory = other
    lines = [{"text": f"t{n}", "agent": "sam", "colour": "red"} for n in range(3)]
    done = await memory.import_(_file(*lines, {"text": "t9", "agent": "sam", "dia_id": 3}))
    assert (done.added, done.unknown) == (4, {"colour": 3, "dia_id": 1})


async def test_times_and_owners_as_people_write_them(other: tuple[Board, Memory]) -> None:
    board, memory = other
    await memory.import_(
        _file(
            {"text": "a", "at": "1970-01-02"}, {"text": "b", "at": "1970-01-01T01:00:00+01:00"},
            {"text": "c", "at": 7}, {"text": "d", "agent": "leo", "tags": "one"},
        ),
        agent="sam",
    )  # fmt: skip
    rows = await _rows(board)
    assert [row["at"] for row in rows][:3] == [86_400.0, 0.0, 7.0]
    assert [row["agent"] for row in rows] == ["sam", "sam", "sam", "leo"]
    assert rows[3]["tags"] == ("one",)


async def test_utf_16_is_told_from_rubbish(memory: Memory) -> None:
    with pytest.raises(ImportInvalid, match="UTF-16"):
        await memory.import_(io.BytesIO('{"text": "x"}'.encode("utf-16")))


async def test_what_is_known_is_not_embedded_again(
    other: tuple[Board, Memory], embedder: Any
) -> None:
    _, memory = other
    lines = [{"text": f"number{n}", "agent": "sam"} for n in range(150)]
    told: list[int] = []
    await memory.import_(_file(*lines[:100]))
    embedder.texts.clear()
    done = await memory.import_(_file(*lines), progress=told.append)
    assert (done.added, done.known) == (50, 100)
    assert len(embedder.texts) == 50
    assert told[-1] == 150


async def test_a_file_that_cannot_be_written_or_read(memory: Memory, tmp_path: Path) -> None:
    with pytest.raises(ImportInvalid, match="cannot be written"):
        await memory.export(tmp_path / "no" / "such.jsonl")
    with pytest.raises(ImportInvalid, match="cannot be read"):
        await memory.import_(tmp_path / "none.jsonl")


@given(st.lists(st.binary(max_size=40)), st.sampled_from([b"\n", b"\r\n"]))
def test_lines_are_numbered_as_editors_do(parts: list[bytes], end: bytes) -> None:
    clean = [part.replace(b"\n", b"").strip(b"\r") for part in parts]
    clean = [b"x" if part[:2] in (b"\xff\xfe", b"\xfe\xff") else part for part in clean]
    found = list(read_lines(io.BytesIO(b"".join(part + end for part in clean))))
    bom = b"\xef\xbb\xbf"
    assert [number for number, _ in found] == list(range(1, len(clean) + 1))
    assert [raw for _, raw in found[1:]] == clean[1:]
    assert not clean or found[0][1] == clean[0].removeprefix(bom).rstrip(b"\r")


FIELDS = st.sampled_from(["text", "agent", "at", "tags", "episode", "position", "kind", "origin"])
VALUES = st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.lists(st.text()))
LINES = st.dictionaries(FIELDS, VALUES).map(lambda line: json.dumps(line).encode())


@given(st.one_of(st.binary(max_size=200), LINES))
def test_no_line_breaks_it(raw: bytes) -> None:
    try:
        read = read_line(raw)
    except BadLine as refused:
        assert str(refused)  # it says what is wrong
    else:
        assert read.note.text and read.note.agent
