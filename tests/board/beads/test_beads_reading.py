"""What is read from files of issues: strict about JSON, patient about what is in it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neveridle.board import Board, Priority
from neveridle.board.beads.issue import Tie, issue_from
from neveridle.board.beads.reading import read_issues
from neveridle.errors import ImportInvalid

Record = dict[str, Any]


def test_marks_line_ends_and_blank_lines() -> None:
    data = b'\xef\xbb\xbf{"id":"a"}\r\n\r\n   \n{"id":"b","title":"\xc3\xbc"}\r\n{"id":"c"}'
    assert list(read_issues(data, "x").issues) == ["a", "b", "c"]
    assert read_issues(b"", "x").issues == {}


def test_a_list_as_commands_print_it() -> None:
    data = b"""[
 {"id": "a", "dependencies": [{"id": "b", "dependency_type": "blocks"}]},
 {"id": "b"}
]"""
    found = read_issues(data, "x")
    assert found.issues["a"].ties == (Tie("a", "b", "blocks"),)


@pytest.mark.parametrize(
    ("data", "line", "why"),
    [
        (b'{"id":"a"}\n{"id":"b"\n', 2, "no JSON"),
        (b'{"id":"a"}\n\n<<<<<<< HEAD\n', 3, "no JSON"),
        (b'{"id":"a"}\n[1]\n', 2, "no JSON object"),
        (b'{"id":"a"}\n{"title":"b"}\n', 2, "no id"),
        (b'{"id":"a"}\n{"id":"  "}\n', 2, "no id"),
        (b'{"id":"a"}\n{"id":true}\n', 2, "no id"),
        (b'{"id":"a"}\n{"id":"\xff"}\n', 2, "not UTF-8"),
        (b'{"id":"a"}\n' + b"[" * 100_000 + b"\n", 2, "cannot be read|nested"),
        (b'{"id":"a","n":' + b"9" * 5000 + b"}\n", 1, "number too long"),
        (b'[{"id":"a"},\n{"id":]', 2, "no JSON"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(data: bytes, line: int, why: str) -> None:
    with pytest.raises(ImportInvalid, match=why) as error:
        read_issues(data, "some.jsonl")
    assert f"Line {line} of some.jsonl" in error.value.message
    assert "Nothing was imported" in error.value.remedy


async def test_nothing_is_imported_of_a_file_that_breaks_off(
    board: Board,
    contents: Callable[[], Awaitable[Any]],
    jsonl: Callable[..., bytes],
    issue: Callable[..., Record],
    broken: Callable[[str], Any],
) -> None:
    reading = read_issues(jsonl([issue("a"), issue("b", ties={"blocks": ["a"]})]), "x")
    before = await contents()
    async with broken("task_edges"):
        with pytest.raises(Exception, match="boom"):
            await board.beads.take(reading)
    assert await contents() == before


@pytest.mark.parametrize(
    ("said", "meant"),
    [(0, "URGENT"), (1, "HIGH"), (2, "NORMAL"), (3, "LOW"), (4, "LOW"), (9, "LOW"),
     (-1, "URGENT"), ("P1", "HIGH"), ("0", "URGENT"), ("high", "NORMAL"), (None, "NORMAL"),
     (True, "NORMAL"), (1.0, "HIGH"), ([], "NORMAL")],
)  # fmt: skip
def test_priorities(said: object, meant: str) -> None:
    found = issue_from({"id": "a", "priority": said})
    assert found is not None
    assert found.priority is Priority[meant]


@pytest.mark.parametrize(
    ("item", "tie"),
    [
        ({"issue_id": "a", "depends_on_id": "b", "type": "Tracks"}, Tie("a", "b", "tracks")),
        ({"issue_id": "c", "depends_on_id": "a", "type": "blocks"}, Tie("c", "a", "blocks")),
        ({"depends_on_id": "b"}, Tie("a", "b", "blocks")),
        ({"id": "b", "dependency_type": "related", "type": "x"}, Tie("a", "b", "related")),
        ("b", Tie("a", "b", "blocks")),
        ({"depends_on_id": "b", "type": "waits-for", "metadata": '{"gate":"any-children"}'},
         Tie("a", "b", "waits-for", any_child=True)),
        ({"depends_on_id": "b", "type": "waits-for", "metadata": "{"}, Tie("a", "b", "waits-for")),
        ({"type": "blocks"}, None), (7, None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_dependencies_in_all_their_shapes(item: object, tie: Tie | None) -> None:
    found = issue_from({"id": "a", "dependencies": [item]})
    assert found is not None
    assert found.ties == (() if tie is None else (tie,))


def test_a_parent_that_is_only_named() -> None:
    found = issue_from({"id": "a", "parent": "p"})
    assert found is not None
    assert found.ties == (Tie("a", "p", "parent-child"),)


def test_times_in_any_zone() -> None:
    made = [
        issue_from({"id": "a", "created_at": text})
        for text in ("2026-01-30T20:25:18.84563-06:00", "2026-01-31T02:25:18.845630123Z",
                     "2026-01-31T02:25:18.84563", "0001-01-01T00:00:00Z", "soon", 7)
    ]  # fmt: skip
    assert [one.created_at if one else 0 for one in made] == [1769826318.84563] * 3 + [None] * 3


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(
    ["title", "status", "priority", "issue_type", "assignee", "dependencies", "labels", "pinned",
     "created_at", "closed_at", "defer_until", "comments", "parent", "_type", "x"]
)  # fmt: skip


@settings(max_examples=150, deadline=None, database=None)
@given(st.dictionaries(fields, anything, max_size=8), st.text(min_size=1))
def test_whatever_a_record_holds_is_an_issue_or_refused(said: Record, name: str) -> None:
    record = {"id": name, **said}
    try:
        found = read_issues(json.dumps(record).encode(), "x")
    except ImportInvalid:
        assert not name.strip()
        return
    kept = [one.record for one in found.issues.values()] + list(found.others.values())
    assert kept == [record]


async def test_what_is_on_the_board_of_it(
    board: Board, issue: Callable[..., Record], bring: Callable[..., Awaitable[Any]]
) -> None:
    record = issue(
        "x-1", title=" Ünïcode \ud800 \n title", description="What <b> & \0 is.", priority=1,
        design="So.", acceptance_criteria="It works.", notes="Mind this.", labels=["ui", "api"],
        assignee="Alice", comments=[{"author": "bob", "text": "Why?"}, {"text": 7}, None],
        issue_type="bug", custom={"deep": [1.5, None]},
    )  # fmt: skip
    report = await bring([record, issue("x-2", assignee="SAM", issue_type="epic"), record])
    assert report.repeated == ["x-1"]
    task = await board.tasks.by_ref("beads:x-1")
    assert task is not None
    assert (task.ticket, task.source, task.priority, task.assignee) == ("x-1", "backlog", 2, None)
    assert task.title == "Ünïcode ? title"
    parts = [
        "What <b> & \ufffd is.", "## Design\n\nSo.", "## Acceptance criteria\n\nIt works.",
        "## Notes\n\nMind this.", "bob: Why?", "labels ui, api", "assigned to Alice",
    ]  # fmt: skip
    assert [part for part in parts if part not in task.description] == []
    assert task.needs_change
    epic = await board.tasks.by_ref("beads:x-2")
    assert epic is not None
    assert (epic.assignee, epic.needs_change) == ("sam", False)
    assert "This is an epic" in epic.description
    exported = (await board.beads.export()).splitlines()
    assert json.loads(exported[0]) == record
