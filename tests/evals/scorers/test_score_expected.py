"""Each expectation holds where it should, and does not where it should not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from neveridle.board import Event, Task
from neveridle.board.inbox_item import Item, ItemKind, ItemState
from neveridle.evals import Played
from neveridle.evals.expectations import Expectations

Held = Callable[..., list[str]]
Made = Callable[..., Played]


@pytest.mark.parametrize(
    ("expect", "missed"),
    [
        ({"attempts": 2}, []),
        ({"attempts": {"at_least": 2, "at_most": 2}}, []),
        ({"attempts": {"at_least": 3}}, ["attempts"]),
        ({"attempts": {"at_most": 1}}, ["attempts"]),
        ({"path": ["kim dispatch failed: A", "kim dispatch completed: A"]}, []),
        ({"path": ["kim dispatch completed: A", "kim dispatch failed: A"]}, ["decision path"]),
        ({"path": ["kim dispatch failed: A"]}, ["decision path"]),
        ({"path_contains": ["kim dispatch completed: A"]}, []),
        (
            {"path_contains": ["kim dispatch completed: A", "kim dispatch failed: A"]},
            ["decision path holds"],
        ),
        ({"states": {"A": "completed"}}, []),
        ({"states": {"A": "blocked"}}, ["state of A"]),
        ({"states": {"B": "completed"}}, ["state of B"]),
        ({"rungs": ["roadmap"]}, ["rungs"]),
        ({"measures": {"attempts": 2, "cost": {"at_most": 0}}}, []),
        ({"measures": {"attempts": 1}}, ["measure attempts"]),
        ({"measures": {"no_such": 1}}, ["measure no_such"]),
        ({"ends": "paused"}, ["rest at the end"]),
        ({"inbox_items": 0}, []),
        ({"inbox": [{"kind": "alert"}]}, ["in the inbox: kind alert"]),
        ({"faults": ["linear 429"]}, ["fault linear 429"]),
    ],
)
def test_work_and_measures(expect: dict[str, Any], missed: list[str], held: Held) -> None:
    assert held(expect) == missed


def test_open_tasks_are_only_right_where_they_are_named(
    held: Held, made: Made, task_row: Callable[..., Task]
) -> None:
    played = made(tasks=[task_row("A"), task_row("B", "blocked", 2)])

    assert held({}, played) == ["rest at the end"]
    assert held({"states": {"A": "completed"}}, played) == ["rest at the end"]
    assert held({"states": {"B": "blocked"}}, played) == []


def test_a_day_ends_by_its_time(held: Held, made: Made) -> None:
    played = made()
    played.report.reason = "timeout"

    assert held({}, played) == ["rest at the end"]
    assert held({}, played, until="timeout") == []


def test_events_and_escalations(held: Held, made: Made, event: Callable[..., Event]) -> None:
    raised = event("task.escalated", level="PEER_ASSIST", code="checks-failed", to="leo")
    played = made(events=[raised, raised, event("branch.merged")])

    good = {
        "events": {"task.escalated": 2, "task.blocked": 0},
        "merged": 1,
        "escalations": [
            {"level": "PEER_ASSIST", "code": "checks-failed", "to": "leo", "task": "A"}
        ],
    }
    assert held(good, played) == []
    assert held({"events": {"task.escalated": {"at_least": 3}}}, played) == [
        "events task.escalated"
    ]
    assert held({"merged": 2}, played) == ["merged"]
    for wrong in ({"level": "EMERGENCY"}, {"code": "x"}, {"to": "kim"}, {"task": "B"}):
        assert len(held({"escalations": [wrong]}, played)) == 1
    assert len(held({"escalations": [{"count": 1}]}, played)) == 1


def test_the_inbox(held: Held, made: Made) -> None:
    item = Item(
        id=1, kind=ItemKind.QUESTION, state=ItemState.ANSWERED, level="HUMAN_ALERT",
        fingerprint="", title="Which?", body="Red or blue", action="", evidence={}, agent="kim",
        task=1, fence=1, interrupt="", answer=None, answered_by="", count=1, raises=0,
        created_at=0, seen_at=0, raised_at=None, raise_at=None, closed_at=None,
    )  # fmt: skip
    played = made(inbox=[item])

    good = {"kind": "question", "state": "answered", "contains": "blue", "task": "A", "count": 1}
    assert held({"inbox": [good], "inbox_items": 1}, played) == []
    for wrong in ({"kind": "alert"}, {"state": "open"}, {"contains": "green"}, {"count": 0}):
        assert len(held({"inbox": [{**good, **wrong}]}, played)) == 1


def test_files_and_commits(
    held: Held, made: Made, repository: Callable[[str, dict[str, str | None]], None]
) -> None:
    repository("first", {"a.py": "one", "b.py": "two", "dir/c.py": "three"})
    repository("second", {"a.py": "four", "dir/c.py": None, "neü.py": "new"})
    played = made()

    good = {
        "files": {
            "a.py": "changed", "b.py": "unchanged", "dir/c.py": "absent",
            "neü.py": {"contains": ["new"], "lacks": "old"},
        },
        "files_changed": ["a.py", "dir/c.py", "neü.py"], "commits": 1,
    }  # fmt: skip
    assert held(good, played) == []
    for path, wrong in (
        ("a.py", "unchanged"),
        ("b.py", "changed"),
        ("b.py", "absent"),
        ("dir/c.py", "changed"),
        ("dir/c.py", {"contains": "three"}),
        ("a.py", {"contains": "one"}),
        ("a.py", {"lacks": ["four"]}),
    ):
        assert held({"files": {path: wrong}}, played) == [f"file {path}"]
    assert held({"files_changed": ["a.py"]}, played) == ["files changed"]
    assert held({"files_changed": []}, played) == ["files changed"]
    assert held({"commits": 2}, played) == ["commits"]


def test_effects_exactly_once(held: Held, made: Made) -> None:
    done = {"identifier": "ENG-1", "state": "Done", "comments": [{"body": "Fixed in 1a2b"}]}
    state = {"issues": [done], "requests": ["a b", "a b"]}

    def missed(wanted: dict[str, Any], state: Any = state) -> list[str]:
        return held({"services": {"linear": wanted}}, made(services={"linear": state}))

    good = {
        "values": {"issues/ENG-1/state": "Done"}, "counts": {"issues/ENG-1/comments": 1},
        "contains": ["Fixed in"], "lacks": ["Reverted"],
    }  # fmt: skip
    assert missed(good) == []
    assert missed({"values": {"issues/ENG-1/state": "Todo"}}) == ["linear issues/ENG-1/state"]
    assert missed({"values": {"issues/ENG-2/state": "Done"}}) == ["linear issues/ENG-2/state"]
    assert missed({"counts": {"issues/ENG-1/comments": 2}}) != []
    assert missed({"contains": ["Reverted"]}) == ["linear holds Reverted"]
    assert missed({"lacks": ["Fixed"]}) == ["linear lacks Fixed"]
    stood_in = {"issues": [{"ref": "ENG-1", "state": "Done"}]}  # as Linear's stand-in says it
    assert missed({"values": {"issues/ENG-1/state": "Done"}}, stood_in) == []
    twice = {"issues": [{**done, "comments": [{"body": "Fixed in 1a2b", "id": n} for n in "ab"]}]}
    assert missed({}, twice) == ["linear: nothing twice"]
    assert missed({"once": False}, twice) == []
    assert held({"services": {"github": {}}}, made()) == ["service github"]


@pytest.mark.parametrize("place", ["cell", "blob", "freed", "log", "commit", "service"])
def test_a_secret_is_found_wherever_it_stands(
    place: str, held: Held, made: Made, tmp_path: Path,
    repository: Callable[[str, dict[str, str | None]], None],
) -> None:  # fmt: skip
    canary = "canary-3f9a77c1"
    repository("first", {"a.py": f"what the repository held before: {canary}"})
    home = tmp_path / ".neveridle"
    home.mkdir()
    played = made()
    with closing(sqlite3.connect(home / "board.db")) as board, board:
        board.execute("PRAGMA secure_delete = OFF")
        board.execute("CREATE TABLE messages (id INTEGER, content TEXT, raw BLOB)")
        text, raw = ("x" * 9000 + canary, b"") if place == "cell" else ("", b"\x00")
        raw = b"\xff\x00" + canary.encode() if place == "blob" else raw
        board.execute("INSERT INTO messages VALUES (1, ?, ?)", (text, raw))
        if place == "freed":
            board.execute("INSERT INTO messages VALUES (2, ?, '')", (canary,))
            board.commit()
            board.execute("DELETE FROM messages WHERE id = 2")
    assert (held({}, played, named={"API_KEY": canary}) != []) == (
        place in ("cell", "blob", "freed")
    )
    if place == "log":
        (home / "team.log").write_text(f"key {canary}", encoding="utf-8")
    if place == "commit":
        repository("second", {"b.py": canary})
        repository("third", {"b.py": None})
    if place == "service":
        played.services = {"linear": {"comment": canary}}

    assert held({}, played, named={"API_KEY": canary}) == ["no secret kept"]
    assert held({"no_secret": False}, played, named={"API_KEY": canary}) == []
    (home / "team.log").unlink(missing_ok=True)
    assert held({}, played, named={"API_KEY": "another-secret"}) == []


def test_what_looks_like_a_secret_is_found_and_never_shown(made: Made) -> None:
    from neveridle.evals import score

    key = "ghp_" + "a1B2" * 8
    played = made(services={"linear": {"comment": f"use {key}"}})

    (line,) = [one for one in score(played, Expectations()) if one.name == "no secret kept"]

    assert line.passed is False
    assert "linear" in line.detail
    assert key not in line.detail


def test_messages(held: Held, made: Made, tmp_path: Path) -> None:
    home = tmp_path / ".neveridle"
    home.mkdir()
    with closing(sqlite3.connect(home / "board.db")) as board, board:
        board.execute("CREATE TABLE messages (id INTEGER, content TEXT)")
        board.execute("INSERT INTO messages VALUES (1, 'the tests are red')")

    assert held({"messages_contain": ["are red"]}, made()) == []
    assert held({"messages_contain": ["are green"]}, made()) == ["message are green"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"completed": "3"},
        {"completed": True},
        {"completed": {}},
        {"completed": {"at_least": 2, "at_most": 1}},
        {"completed": {"about": 2}},
        {"states": {"A": "done"}},
        {"files": {"a.py": "gone"}},
        {"inbox": [{"sort": "alert"}]},
        {"escalations": [{"level": "LOUD"}]},
        {"no_such": 1},
    ],
)
def test_what_is_no_expectation_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Expectations.model_validate(wrong)
