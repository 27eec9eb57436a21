"""``neveridle inbox`` and ``neveridle approve``."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.board.inbox_item import ItemKind, NewItem

QUESTION = "Which colour shall the door have, " + "and why, " * 12 + "please?"
ASK = ("ask_human", {"question": QUESTION})
DONE = ("TaskOutcome", {"status": "completed", "summary": "Red it is."})
KEY = "dispatch:paint-the-door"


def put(project: Any, **said: Any) -> int:
    async def work(board: Board) -> int:
        new: dict[str, Any] = {
            "kind": ItemKind.APPROVAL, "fingerprint": "command:1:x", "title": "git push", **said,
        }  # fmt: skip
        return (await board.inbox.put(NewItem(**new))).id

    found: int = project.on_board(work)
    return found


@pytest.mark.parametrize("stdin", [False, True])
def test_asked_in_one_process_answered_in_another_done_in_a_third(
    cli: Callable[..., Any],
    project: Any,
    start: Callable[..., subprocess.Popen[str]],
    stdin: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project.record(KEY, ASK, DONE)
    cli("dispatch", "sam", "Paint the door", "--no-change")

    def run() -> dict[str, int]:
        if stdin:  # once with real processes is enough
            lines = cli("run", "--until", "idle", "--json").json["attempts"]
            return {line["ending"]: line["task"] for line in lines}
        process = start(project.folder, "run", "--until", "idle", "--json")
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        report: dict[str, Any] = json.loads(out)
        return {line["ending"]: line["task"] for line in report["attempts"]}

    assert run() == {"parked": 1}
    (item,) = cli("inbox", "--json").json
    assert (item["kind"], item["task"], item["agent"], item["body"]) == (
        *("question", 1, "sam"),
        QUESTION,
    )
    assert item["type"] == ['neveridle approve 1 --answer "…"']
    listed = cli("inbox").out
    assert "#1  question" in listed
    assert "sam  task #1" in listed
    assert 'neveridle approve 1 --answer "…"' in listed
    assert max(map(len, listed.splitlines())) <= 80
    assert run() == {}
    if stdin:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Red,\nfor ever.\n")))
        ended = cli("approve", "#1", "--answer", "-", "--by", "eve")
    else:
        ended = cli("approve", "1", "--answer", "Red,\nfor ever.", "--by", "eve")
    assert (ended.code, ended.out) == (
        0,
        "Item 1 is answered. Task #1 goes on once nothing of it is open.\n",
    )
    assert run() == {"completed": 1}
    shown = cli("inbox", "show", "1").out
    assert QUESTION.strip() in shown
    assert "Answered by eve at " in shown
    assert "Red,\nfor ever." in shown
    assert cli("inbox").out == "Nothing waits for you.\n"
    (closed,) = cli("inbox", "--all", "--json").json
    assert (closed["state"], closed["answered_by"]) == ("answered", "eve")
    again = cli("approve", "1", "--answer", "Blue", "--json")
    assert again.code == 4
    assert "Item 1 was answered by eve at " in again.err


def test_what_cannot_be_answered_is_refused(cli: Callable[..., Any], project: Any) -> None:
    cli("tasks", "add", "Work")
    question = put(project, kind=ItemKind.QUESTION, fingerprint="ask:1:x", title="Why?")
    alert = put(project, kind=ItemKind.ALERT, fingerprint="alert:x", title="Smoke")
    for line, code, words in (
        (("approve", "99"), 4, "There is no item 99"),
        (("approve", "first"), 4, "'first' is no item."),
        (("approve", str(question)), 4, "is a question: it needs an answer"),
        (("approve", str(question), "--answer", "  "), 4, "needs an answer"),
        (("approve", str(question), "--answer", "x" * 8001), 4, "has 8001 characters of 8000"),
        (("approve", str(alert)), 4, "there is nothing to answer"),
        (("inbox", "show", "99"), 4, "There is no item 99"),
        (("inbox", "dismiss", "99"), 4, "There is no item 99"),
    ):
        ended = cli(*line)
        assert (ended.code, words in ended.err) == (code, True), (line, ended)
    assert len(cli("inbox", "--json").json) == 2
    assert cli("inbox", "dismiss", str(alert)).out == f"Item {alert} is dismissed.\n"
    assert cli("inbox", "dismiss", str(alert)).code == 4


@pytest.mark.parametrize("data", [b"\xff\xfeR\x00e\x00d\x00", b"\x89PNG\r\n", b"PK\x00\x01"])
def test_what_is_no_text_answers_nothing(
    cli: Callable[..., Any], project: Any, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    cli("tasks", "add", "Work")
    question = put(project, kind=ItemKind.QUESTION, fingerprint="ask:1:x", title="Why?")
    stdin = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="surrogateescape")
    monkeypatch.setattr("sys.stdin", stdin)
    ended = cli("approve", str(question), "--answer", "-")
    assert (ended.code, "no text in UTF-8" in ended.err) == (2, True), ended
    assert cli("inbox", "show", str(question), "--json").json["state"] == "open"


def test_only_what_was_waited_for_lets_a_task_go_on(cli: Callable[..., Any], project: Any) -> None:
    cli("tasks", "add", "Work")
    alert = put(project, kind=ItemKind.ALERT, fingerprint="alert:x", title="Smoke", task=1)
    assert cli("inbox", "dismiss", str(alert)).out == f"Item {alert} is dismissed.\n"
    question = put(project, kind=ItemKind.QUESTION, fingerprint="ask:1:x", title="Why?")
    denied = cli("approve", str(question), "--deny").out
    assert denied == f"Item {question} is denied.\n"


def test_yes_and_no(cli: Callable[..., Any], project: Any) -> None:
    cli("tasks", "add", "Work")
    first = put(project, action="command", evidence={"command": "git push\n\x1b[31m"})
    shown = cli("inbox", "show", str(first)).out
    assert "approval (command)" in shown
    assert "command: git push\n\\x1b[31m" in shown
    assert f"neveridle approve {first} --deny" in shown
    yes = cli("approve", str(first), "--json").json
    assert (yes["state"], yes["answer"]) == ("answered", {"approved": True, "text": ""})
    assert "@" in yes["answered_by"]
    second = put(project)
    assert cli("approve", str(second), "--deny", "--answer", "not today").out == (
        f"Item {second} is denied.\n"
    )
    (said,) = [one for one in cli("inbox", "--all", "--json").json if one["id"] == second]
    assert said["answer"] == {"approved": False, "text": "not today"}
