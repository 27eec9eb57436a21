"""``neveridle dispatch`` and ``neveridle tasks``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neveridle.board import Board, NewTask, Source, TaskState


def test_dispatch_puts_a_task_on_the_board(cli: Callable[..., Any], project: Any) -> None:
    first = cli("dispatch", "SAM", "Look at it", "--no-change", "--json").json
    second = cli(
        *("dispatch", "leo", "Build it", "-d", "With care.", "--ticket", "AGT-7", "-p", "High"),
        *("--after", f"#{first['id']}", "--accept", "true", "--accept", "test -f x", "--json"),
        *("--needs", "GitHub", "--needs", "slack"),
    ).json

    assert first["assignee"] == "sam"
    assert first["needs_change"] is False
    assert first["key"] == "dispatch:look-at-it"
    assert {
        name: second[name]
        for name in ("source", "assignee", "description", "ticket", "priority", "acceptance")
    } == {
        "source": "dispatch",
        "assignee": "leo",
        "description": "With care.",
        "ticket": "AGT-7",
        "priority": "high",
        "acceptance": ["true", "test -f x"],
    }
    assert second["open_blockers"] == 1
    assert second["services"] == ["github", "slack"]
    assert project.board_file.is_file()


@pytest.mark.usefixtures("project")
def test_dispatch_says_what_it_did(cli: Callable[..., Any]) -> None:
    assert cli("dispatch", "sam", "Fix\nit [red]").out == "Task #1 for sam: Fix it [red]\n"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (["dispatch", "nobody", "x"], "not-found", "leo, sam"),
        (["dispatch", "sam", "x", "-p", "huge"], "state-conflict", "urgent"),
        (["dispatch", "sam", "x", "--after", "99"], "not-found", "99"),
        (["dispatch", "sam", "x", "--after", "first"], "not-found", "'first' is no task"),
        (["tasks", "add", "x", "--agent", "nobody"], "not-found", "leo, sam"),
        (["dispatch", "sam", ""], "state-conflict", "needs a title"),
        (["tasks", "add", " "], "state-conflict", "needs a title"),
    ],
)
def test_a_task_that_cannot_be_is_refused(
    cli: Callable[..., Any], line: list[str], code: str, words: str
) -> None:
    ended = cli(*line, "--json")

    assert ended.code == 4
    assert ended.json["error"]["code"] == code
    assert words in ended.err


def test_looking_makes_no_board(cli: Callable[..., Any], project: Any) -> None:
    for line in (["tasks"], ["tasks", "show", "1"], ["handoff"], ["tasks", "cancel", "1"]):
        ended = cli(*line)
        assert ended.code == 2
        assert "error[board-unusable]" in ended.err
    assert not project.board_file.exists()


@pytest.mark.usefixtures("project")
def test_add_puts_a_task_into_the_backlog(cli: Callable[..., Any]) -> None:
    task = cli(
        *("tasks", "add", "Write it down", "-d", "All of it.", "--priority", "low"),
        *("--skill", "Python", "--skill", "backend", "--service", "GitHub", "--json"),
    ).json

    assert (task["source"], task["assignee"], task["priority"]) == ("backlog", None, "low")
    assert task["skills"] == ["backend", "python"]
    assert task["services"] == ["github"]


@pytest.fixture
def some_tasks(project: Any) -> Any:
    async def put(board: Board) -> None:
        for source, title, who in (
            (Source.DISPATCH, "one \x1b[31m[bold]", "sam"),
            (Source.BACKLOG, "two", None),
            (Source.ROADMAP, "three", None),
        ):
            await board.tasks.add(NewTask(source=source, title=title, assignee=who))
        await board.tasks.cancel(2, reason="no more")

    project.on_board(put)
    return project


@pytest.mark.usefixtures("some_tasks")
def test_list_filters(cli: Callable[..., Any]) -> None:
    def ids(*line: str) -> list[int]:
        return [task["id"] for task in cli("tasks", *line, "--json").json]

    assert ids() == ids("list") == [1, 2, 3]
    assert ids("--state", "cancelled") == [2]
    assert ids("--state", "In-Progress") == []
    assert ids("list", "--source", "roadmap", "--source", "backlog") == [2, 3]
    assert ids("--agent", "Sam") == [1]
    assert ids("--limit", "2") == [1, 2]


@pytest.mark.usefixtures("some_tasks")
def test_list_prints_titles_as_text(cli: Callable[..., Any]) -> None:
    out = cli("tasks").out

    assert "\\x1b[31m[bold]" in out
    assert "\x1b" not in out


@pytest.mark.usefixtures("some_tasks")
def test_list_names_the_words_it_knows(cli: Callable[..., Any]) -> None:
    ended = cli("tasks", "--state", "lost", "--json")

    assert ended.code == 2
    assert ended.json["error"]["code"] == "usage"
    assert "waiting" in ended.json["error"]["remedy"]


@pytest.mark.usefixtures("some_tasks")
def test_depend_cancel_and_retry(cli: Callable[..., Any]) -> None:
    assert cli("tasks", "depend", "3", "--on", "1", "--json").json["open_blockers"] == 1
    circle = cli("tasks", "depend", "1", "--on", "3", "--json")
    assert (circle.code, circle.json["error"]["code"]) == (4, "dependency-cycle")
    assert cli("tasks", "retry", "2", "--json").json["state"] == "pending"
    again = cli("tasks", "retry", "2", "--json")
    assert (again.code, again.json["error"]["code"]) == (4, "state-conflict")
    assert cli("tasks", "cancel", "#3", "--reason", "changed our mind").code == 0
    assert cli("tasks", "show", "3", "--json").json["task"]["state"] == "cancelled"
    for verb in ("show", "cancel", "retry"):
        ended = cli("tasks", verb, "77", "--json")
        assert (ended.code, ended.json["error"]["code"]) == (4, "not-found")


def test_show_tells_the_whole_story(cli: Callable[..., Any], project: Any) -> None:
    async def work(board: Board) -> None:
        await board.tasks.add(
            NewTask(source=Source.BACKLOG, title="Hard", description="Line one.\nLine two.")
        )
        run = await board.runs.start("sam", role="backend", skills=[])
        claim = await board.attempts.claim(
            agent="sam", run=run, skills=[], source=Source.BACKLOG, lease=60
        )
        assert claim is not None
        checks = {"tests": {"command": "false", "exit_code": 1, "output": "boom \x1b[2J"}}
        await board.attempts.fail(
            claim.attempt,
            code="work-refused",
            error="The check tests failed.",
            limit=1,
            evidence={"passed": False, "checks": checks, "changed": ["a.py"]},
        )

    project.on_board(work)
    story = cli("tasks", "show", "1", "--json").json
    out = cli("tasks", "show", "1").out

    known = ["after", "attempts", "effects", "events", "handoff", "sync", "task", "working_memory"]
    assert sorted(story) == known
    assert story["task"]["state"] == TaskState.BLOCKED
    assert story["attempts"][0]["evidence"]["checks"]["tests"]["exit_code"] == 1
    assert [event["kind"] for event in story["events"]][:2] == ["task.added", "task.claimed"]
    for words in (
        "Line one.\nLine two.",
        "blocked (human)",
        "work-refused",
        "check tests: ended with 1",
        "boom \\x1b[2J",
        "changed: a.py",
        "attempt.failed",
    ):
        assert words in out
    assert "\x1b" not in out


def test_a_file_that_is_no_board_is_said(cli: Callable[..., Any], project: Any) -> None:
    project.board_file.parent.mkdir()
    project.board_file.write_bytes(b"not a database, but long enough to be looked at" * 20)
    for line in (["tasks"], ["status"], ["dispatch", "sam", "x"]):
        ended = cli(*line)
        assert (ended.code, "error[board-unusable]" in ended.err) == (2, True)
        assert project.board_file.name in ended.err
